/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * safefile.c: files that hold secrets: opened without surprises, replaced whole or not at all.
 *
 * What makes a replacement last through a power cut is the whole row: write, fsync, rename, fsync of the folder. Leave
 * out the last and the old file may be back, with a stray one beside it that holds the new token.
 */
#include <config.h>

#include "safefile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define RANDOM_SIZE 8
#define TEMP_TAIL_SIZE (1 + 2 * RANDOM_SIZE + 4) /* ".0123456789abcdef.tmp" */

/* Says why, keeps errno, returns -1. */
static int because(char why[SAFEFILE_WHY], const char *step)
{
	int saved = errno;

	snprintf(why, SAFEFILE_WHY, "%s: %s", step, strerror(saved));
	errno = saved;
	return -1;
}

static int refuse(int number, char why[SAFEFILE_WHY], const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(int number, char why[SAFEFILE_WHY], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, SAFEFILE_WHY, format, args);
	va_end(args);
	errno = number;
	return -1;
}

/*
 * Opening
 */

static const char *kind(mode_t mode)
{
	static const struct {
		mode_t type;
		const char *name;
	} kinds[] = {
		{ S_IFDIR, "a folder" }, { S_IFIFO, "a FIFO" }, { S_IFSOCK, "a socket" },
		{ S_IFLNK, "a symbolic link" }, { S_IFCHR, "a device" }, { S_IFBLK, "a device" },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if ((mode & S_IFMT) == kinds[i].type)
			return kinds[i].name;
	return "of an unknown kind";
}

static int check(const char *path, const struct stat *st, char why[SAFEFILE_WHY])
{
	if (!S_ISREG(st->st_mode))
		return refuse(EINVAL, why, "is %s, not a file; name the file itself", kind(st->st_mode));
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return refuse(EPERM, why, "belongs to another user (uid %lu); run it as that user",
			      (unsigned long)st->st_uid);
	if (st->st_mode & 077)
		return refuse(EPERM, why, "others may read or write it (mode %04o); run: chmod 600 %s",
			      (unsigned int)(st->st_mode & 07777), path);
	if (st->st_nlink > 1) /* 0: just replaced, and whole */
		return refuse(EMLINK, why, "has another name, too (a hard link); run: cp %s %s.new && mv %s.new %s",
			      path, path, path, path);
	return 0;
}

int safefile_open(const char *path, int flags, char why[SAFEFILE_WHY])
{
	/* O_NONBLOCK: a FIFO must not make us wait for its other end */
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 && (errno == ELOOP || errno == EISDIR || errno == ENXIO) && !lstat(path, &st) &&
	    !S_ISREG(st.st_mode))
		return check(path, &st, why);
	if (fd < 0)
		return because(why, "open");
	if (fstat(fd, &st))
		because(why, "stat");
	else if (!check(path, &st, why))
		return fd;
	flags = errno;
	close(fd);
	errno = flags;
	return -1;
}

int safefile_look(const char *path, char why[SAFEFILE_WHY])
{
	struct stat st;

	return lstat(path, &st) ? because(why, "stat") : check(path, &st, why);
}

/*
 * Replacing
 */

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : slash - path);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int open_folder(const char *path)
{
	char *folder = folder_of(path);
	int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int saved = errno;

	free(folder);
	errno = saved;
	return fd;
}

/* ".BASE.0123456789abcdef.tmp" */
static char *temp_name(const char *base)
{
	unsigned char random[RANDOM_SIZE];
	size_t size = 1 + strlen(base) + TEMP_TAIL_SIZE + 1, n;
	char *name = malloc(size);

	if (!name || getrandom(random, sizeof(random), 0) != sizeof(random)) {
		free(name);
		return NULL;
	}
	n = snprintf(name, size, ".%s.", base);
	for (size_t i = 0; i < sizeof(random); i++)
		n += snprintf(name + n, size - n, "%02x", random[i]);
	snprintf(name + n, size - n, ".tmp");
	return name;
}

static bool is_temp_name(const char *name, const char *base)
{
	size_t n = strlen(base);

	if (name[0] != '.' || strlen(name) != 1 + n + TEMP_TAIL_SIZE || strncmp(name + 1, base, n))
		return false;
	name += 1 + n;
	return name[0] == '.' && strspn(name + 1, "0123456789abcdef") == 2 * RANDOM_SIZE &&
	       !strcmp(name + 1 + 2 * RANDOM_SIZE, ".tmp");
}

/* Frees and closes; errno stays. */
static void release(struct safefile *file)
{
	int saved = errno;

	if (file->fd >= 0)
		close(file->fd);
	if (file->folder >= 0)
		close(file->folder);
	free(file->path);
	free(file->temp);
	*file = (struct safefile){ .fd = -1, .folder = -1 };
	errno = saved;
}

int safefile_begin(struct safefile *file, const char *path, char why[SAFEFILE_WHY])
{
	*file = (struct safefile){ .fd = -1, .folder = open_folder(path) };
	if (file->folder < 0)
		return because(why, "open its folder");
	file->path = strdup(base_of(path));
	file->temp = temp_name(base_of(path));
	if (!file->path || !file->temp) {
		because(why, "name a new file");
		release(file);
		return -1;
	}
	file->fd = openat(file->folder, file->temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file->fd < 0) {
		because(why, "make a new file beside it");
		release(file);
		return -1;
	}
	if (fchmod(file->fd, 0600)) { /* whatever the umask */
		because(why, "chmod of the new file");
		safefile_abandon(file);
		return -1;
	}
	return 0;
}

int safefile_write(int fd, const void *bytes, size_t size)
{
	const char *p = bytes;

	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		size -= n;
	}
	return 0;
}

static int sync_fd(int fd)
{
	int r;

	/* After EIO the kernel may hold the pages for clean: a second try would succeed and mean nothing. */
	do
		r = fsync(fd);
	while (r && errno == EINTR);
	return r;
}

int safefile_sync(struct safefile *file, char why[SAFEFILE_WHY])
{
	if (file->synced)
		return 0;
	if (sync_fd(file->fd))
		return because(why, "fsync");
	file->synced = true;
	return 0;
}

/* How the new file came into place, and so what can be undone. */
enum placed { PLACED_FIRST, PLACED_SWAPPED, PLACED_OVER };

#ifdef RENAME_EXCHANGE
static int exchange(const struct safefile *file)
{
	return renameat2(file->folder, file->temp, file->folder, file->path, RENAME_EXCHANGE);
}
#else
static int exchange(const struct safefile *file)
{
	errno = ENOSYS;
	return -1;
}
#endif

static int put_in_place(const struct safefile *file, enum placed *how)
{
	if (!exchange(file)) {
		*how = PLACED_SWAPPED; /* the old one has the temporary name and can come back */
		return 0;
	}
	*how = errno == ENOENT ? PLACED_FIRST : PLACED_OVER;
	/* EINVAL and the like: the file system can't exchange */
	if (errno != ENOENT && errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
		return -1;
	return renameat(file->folder, file->temp, file->folder, file->path);
}

static void put_back(const struct safefile *file, enum placed how)
{
	int saved = errno;

	if (how == PLACED_SWAPPED)
		exchange(file);
	else if (how == PLACED_FIRST)
		unlinkat(file->folder, file->path, 0);
	errno = saved;
}

int safefile_commit(struct safefile *file, char why[SAFEFILE_WHY])
{
	enum placed how;
	int fd;

	if (safefile_sync(file, why)) {
		safefile_abandon(file);
		return -1;
	}
	fd = file->fd;
	file->fd = -1;
	if (close(fd) && errno != EINTR) {
		because(why, "close");
		safefile_abandon(file);
		return -1;
	}
	if (put_in_place(file, &how)) {
		because(why, "rename");
		safefile_abandon(file);
		return -1;
	}
	if (sync_fd(file->folder)) {
		because(why, "fsync of the folder");
		put_back(file, how);
		safefile_abandon(file);
		return -1;
	}
	if (how == PLACED_SWAPPED)
		unlinkat(file->folder, file->temp, 0);
	release(file);
	return 0;
}

void safefile_abandon(struct safefile *file)
{
	int saved = errno;

	if (file->temp)
		unlinkat(file->folder, file->temp, 0);
	errno = saved;
	release(file);
}

void safefile_sweep(const char *path)
{
	int fd = open_folder(path);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const char *base = base_of(path);
	struct dirent *entry;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(folder)))
		if (is_temp_name(entry->d_name, base))
			unlinkat(fd, entry->d_name, 0);
	closedir(folder);
}

/*
 * Folders
 */

static int check_folder(const char *path, const struct stat *st, char why[SAFEFILE_WHY])
{
	if (!S_ISDIR(st->st_mode))
		return refuse(ENOTDIR, why, "is no folder");
	if ((st->st_mode & (S_IWOTH | S_ISVTX)) == S_IWOTH)
		return refuse(EPERM, why, "others may write into it (mode %04o); run: chmod o-w %s",
			      (unsigned int)(st->st_mode & 07777), path);
	return 0;
}

static int make_folder(const char *path, char why[SAFEFILE_WHY])
{
	int above, r;

	if (mkdir(path, 0700))
		return errno == EEXIST ? 0 : because(why, "mkdir");
	if (chmod(path, 0700)) /* whatever the umask */
		return because(why, "chmod");
	above = open_folder(path);
	if (above < 0)
		return 0; /* one that we may enter but not read */
	r = sync_fd(above) ? because(why, "fsync of the folder above") : 0;
	close(above);
	return r;
}

int safefile_folder(const char *path, char why[SAFEFILE_WHY])
{
	struct stat st;
	char *above;
	int r;

	if (!stat(path, &st))
		return check_folder(path, &st, why);
	if (errno != ENOENT)
		return because(why, "stat");
	above = folder_of(path);
	if (!above)
		return because(why, "mkdir");
	r = !strcmp(above, path) ? 0 : safefile_folder(above, why);
	free(above);
	if (r || make_folder(path, why))
		return -1;
	if (stat(path, &st))
		return because(why, "stat");
	return check_folder(path, &st, why);
}
