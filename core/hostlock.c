/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hostlock.c: locks between processes and threads of one host. */
#include <config.h>

#include "hostlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Classic fcntl locks end when any descriptor of the file is closed and don't tell threads apart. */
#ifndef F_OFD_SETLK
#error "tokeep needs open-file-description locks: F_OFD_SETLK (Linux 3.15)"
#endif

/* Between two tries: short at first, for most locks are held for a fsync or two. */
#define PAUSE_MIN_NS 250000L
#define PAUSE_MAX_NS 5000000L

int64_t hostlock_byte(const char *key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
	return (int64_t)(hash >> 2) + 1; /* byte and length stay below the largest offset */
}

int hostlock_open(const char *path)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	struct stat st;
	int fd;

	do {
		fd = open(path, flags);
		if (fd >= 0 || errno != ENOENT)
			break;
		fd = open(path, flags | O_CREAT | O_EXCL, 0600);
		if (fd >= 0)
			fchmod(fd, 0600); /* whatever the umask; failing is seen by whoever opens it next */
	} while (fd < 0 && errno == EEXIST);
	if (fd < 0)
		return -1;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

static int lock(int fd, int64_t byte, short type)
{
	struct flock range = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
	int r;

	do
		r = fcntl(fd, F_OFD_SETLK, &range);
	while (r && errno == EINTR);
	return r;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int hostlock_take(int fd, int64_t byte, int64_t wait_ms)
{
	int64_t start = now_ns(), waited;
	long pause = PAUSE_MIN_NS;

	for (;;) {
		struct timespec rest = { .tv_nsec = pause };

		if (!lock(fd, byte, F_WRLCK))
			return 0;
		if (errno != EAGAIN && errno != EACCES)
			return -1;
		waited = now_ns() - start;
		if (waited / 1000000 >= wait_ms)
			break;
		nanosleep(&rest, NULL); /* a signal only makes the next try come sooner */
		if (pause < PAUSE_MAX_NS)
			pause += pause / 2;
	}
	errno = ETIMEDOUT;
	return -1;
}

int hostlock_release(int fd, int64_t byte)
{
	return lock(fd, byte, F_UNLCK);
}
