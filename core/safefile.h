/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * safefile.h: files that hold secrets: opened without surprises, replaced whole or not at all. Knows nobody; also linked
 * into the file and sqlite stores.
 *
 * Where a function takes `why`, a failure leaves errno and there, without the path before it, what a message
 * says behind "PATH: ": "fsync: Input/output error", "others may read it (mode 0644); run: chmod 600 PATH".
 */
#ifndef TOKEEP_CORE_SAFEFILE_H
#define TOKEEP_CORE_SAFEFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SAFEFILE_WHY 512

/* Opens an existing file, `flags` O_RDONLY or O_RDWR: no link, no FIFO, device or folder, owned by us or root,
 * nobody else may read or write it, one name. -1 with errno (ENOENT: not there) and `why`. */
int safefile_open(const char *path, int flags, char why[SAFEFILE_WHY]);

/* The same verdict without opening it, for a file that SQLite has open, too: closing a descriptor would drop the locks
 * that another thread's SQLite has on it. 0 or -1 with errno and `why`. */
int safefile_look(const char *path, char why[SAFEFILE_WHY]);

/* Writes a new file beside `path`, 0600, to be renamed over it. */
struct safefile {
	int fd;     /* write here, with safefile_write() */
	int folder; /* of the file */
	char *path, *temp; /* names within */
	bool synced;
};
int safefile_begin(struct safefile *file, const char *path, char why[SAFEFILE_WHY]);
/* All of it, through short writes and EINTR. -1 with errno. */
int safefile_write(int fd, const void *bytes, size_t size);
/* Brings what was written to the disk; commit does it where it was not done before. A failure ends in abandon. */
int safefile_sync(struct safefile *file, char why[SAFEFILE_WHY]);
/* Sync, rename, sync of the folder: durable when it returns 0. Else the old file is intact and the new one gone. The
 * struct is spent either way. */
int safefile_commit(struct safefile *file, char why[SAFEFILE_WHY]);
void safefile_abandon(struct safefile *file);

/* Removes what a writer that was killed left beside `path`. Only while no other writer can be at work. */
void safefile_sweep(const char *path);

/* Makes a folder and those above it that are missing, 0700. Refused where others may write into it (unless
 * sticky) or it is no folder. */
int safefile_folder(const char *path, char why[SAFEFILE_WHY]);
#endif
