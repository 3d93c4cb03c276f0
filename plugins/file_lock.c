/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* file_lock.c: the lock file beside a token file. */
#include <config.h>

#include "file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hostlock.h"

#define MS 1000000L /* in ns */
#define PAUSE_NS (10 * MS)
/* Without a write for so long, somebody is done; an empty file is what none means to leave. */
#define SETTLED_NS (50 * MS)
#define SETTLED_EMPTY_NS (300 * MS)
#define TEXT_MAX 512

/* Is it still the file of that name? Somebody may have deleted it while we waited. */
static bool is_current(int fd, const char *path)
{
	struct stat mine, now;

	return !fstat(fd, &mine) && !lstat(path, &now) && mine.st_dev == now.st_dev && mine.st_ino == now.st_ino;
}

int file_lock(const char *lock_path, int64_t byte, int64_t wait_ms)
{
	int fd, saved;

	for (;;) {
		fd = hostlock_open(lock_path);
		if (fd < 0)
			return -1;
		if (hostlock_take(fd, byte, wait_ms)) {
			saved = errno;
			close(fd);
			errno = saved;
			return -1;
		}
		if (is_current(fd, lock_path))
			return fd;
		file_unlock(fd, byte);
	}
}

void file_unlock(int fd, int64_t byte)
{
	if (fd < 0)
		return;
	hostlock_release(fd, byte); /* closing alone would not do while a child of fork() has it, too */
	close(fd);
}

struct file_mark file_mark(const struct stat *st)
{
	return (struct file_mark){ st->st_dev, st->st_ino, st->st_size, st->st_mtim };
}

bool file_mark_same(const struct file_mark *a, const struct file_mark *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime.tv_sec == b->mtime.tv_sec &&
	       a->mtime.tv_nsec == b->mtime.tv_nsec;
}

/*
 * What it remembers, as text: "last_id 17\nwritten DEV INODE SIZE SECONDS NANOSECONDS\n"
 */

void file_remembers(int fd, struct file_memory *memory)
{
	char text[TEXT_MAX + 1], id[FILE_ID_MAX + 1];
	uintmax_t dev, ino;
	intmax_t size, s;
	long ns;
	ssize_t n = pread(fd, text, TEXT_MAX, 0);

	*memory = (struct file_memory){ .last_id = "0" };
	if (n <= 0 || text[n - 1] != '\n')
		return;
	text[n] = '\0';
	if (sscanf(text, "last_id %255[0-9]\nwritten %ju %ju %jd %jd %ld", id, &dev, &ino, &size, &s, &ns) != 6)
		return;
	memcpy(memory->last_id, id, sizeof(id));
	memory->written = (struct file_mark){ dev, ino, size, { s, ns } };
}

int file_remember(int fd, const struct file_memory *memory, bool durably)
{
	const struct file_mark *w = &memory->written;
	char text[TEXT_MAX];
	int n = snprintf(text, sizeof(text), "last_id %s\nwritten %ju %ju %jd %jd %ld\n", memory->last_id,
			 (uintmax_t)w->dev, (uintmax_t)w->ino, (intmax_t)w->size, (intmax_t)w->mtime.tv_sec,
			 w->mtime.tv_nsec);

	if (pwrite(fd, text, n, 0) != n || ftruncate(fd, n))
		return -1;
	return durably ? fdatasync(fd) : 0;
}

/*
 * Others, who write in place
 */

static bool is_ours(const char *lock_path, const struct file_mark *mark)
{
	struct file_memory memory;
	int fd = open(lock_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return false;
	file_remembers(fd, &memory);
	close(fd);
	return file_mark_same(&memory.written, mark);
}

bool file_is_unsettled(const char *lock_path, const struct file_mark *mark)
{
	int64_t age_ns, settled_ns = mark->size ? SETTLED_NS : SETTLED_EMPTY_NS;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec - mark->mtime.tv_sec > 1 || mark->mtime.tv_sec - now.tv_sec > 1)
		return false;
	age_ns = (now.tv_sec - mark->mtime.tv_sec) * 1000 * MS + now.tv_nsec - mark->mtime.tv_nsec;
	return age_ns > -settled_ns && age_ns < settled_ns && !is_ours(lock_path, mark);
}

void file_pause(void)
{
	const struct timespec rest = { .tv_nsec = PAUSE_NS };

	nanosleep(&rest, NULL);
}
