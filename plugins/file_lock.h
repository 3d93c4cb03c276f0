/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * file_lock.h: the lock file beside a token file: its bytes are locked, one for whoever writes and one for each lease, and
 * its text remembers what the token file has no place for. It is never deleted: who waits for it and who has
 * it must mean the same file.
 */
#ifndef TOKEEP_PLUGINS_FILE_LOCK_H
#define TOKEEP_PLUGINS_FILE_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define FILE_LOCK_WRITER 0 /* the byte */

/* The descriptor, to be closed by file_unlock(); -1 with errno, ETIMEDOUT among them. */
int file_lock(const char *lock_path, int64_t byte, int64_t wait_ms);
void file_unlock(int fd, int64_t byte); /* -1 is fine */

/* Tells one content of a file from another. All 0: there is no file. */
struct file_mark {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
};
struct file_mark file_mark(const struct stat *st);
bool file_mark_same(const struct file_mark *a, const struct file_mark *b);

/* Ids take part in counting up to so many digits. */
#define FILE_ID_MAX 255

struct file_memory {
	char last_id[FILE_ID_MAX + 1]; /* the highest that a deleted token had; "0" */
	struct file_mark written;      /* what we wrote last */
};
void file_remembers(int fd, struct file_memory *memory); /* what can't be read is not remembered */
int file_remember(int fd, const struct file_memory *memory, bool durably);

/* Was this content written in place a moment ago, by somebody who may not be done? Zoho's SDKs empty the file, then
 * write it, and take no lock. */
bool file_is_unsettled(const char *lock_path, const struct file_mark *mark);
void file_pause(void); /* before looking again */
#define FILE_PAUSES_MAX 200
#endif
