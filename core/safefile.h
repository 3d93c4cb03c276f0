/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * safefile.h: files that hold secrets: opened without surprises, replaced whole or not at all. Knows nobody; also linked
 * into the file and sqlite stores.
 */
#ifndef TOKEEP_CORE_SAFEFILE_H
#define TOKEEP_CORE_SAFEFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SAFEFILE_WHY 256

/* Opens an existing file for reading: no link, no FIFO, device or folder, owned by us or root, nobody else may
 * read or write it, one link. -1 with errno (ENOENT: not there) and, in `why`, the reason and the command to run,
 * without the path. */
int safefile_open(const char *path, int flags, char why[SAFEFILE_WHY]);

/* Writes a new file beside `path`, 0600, to be renamed over it. */
struct safefile {
	int fd;     /* write here, with safefile_write() */
	int folder; /* of the file */
	char *path, *temp; /* names within */
};
int safefile_begin(struct safefile *file, const char *path, char why[SAFEFILE_WHY]);
/* All of it, through short writes and EINTR. -1 with errno. */
int safefile_write(int fd, const void *bytes, size_t size);
/* fsync, rename, fsync of the folder: durable when it returns 0. Else the old file is intact, the new one gone,
 * -1 with errno and the step that failed in `why` ("fsync", "rename"). */
int safefile_commit(struct safefile *file, char why[SAFEFILE_WHY]);
void safefile_abandon(struct safefile *file);

/* Makes a folder and those above it that are missing, 0700. Refused where others may write into it or it is no
 * folder. */
int safefile_folder(const char *path, char why[SAFEFILE_WHY]);
#endif
