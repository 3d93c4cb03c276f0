/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trusted.c: may this file decide what we do? Only if nobody but root and us can write or replace it. */
#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "secret.h"
#include "settings_text.h"

/* A folder where somebody else could put another file in place of ours. Sticky: only its owner could. With
 * user-private groups a folder of ours is writable by our own group, and some systems let a group of administrators
 * write into folders of root. */
static int refuse_folder(const char *path, const char *folder, struct error *err)
{
	struct stat st;

	if (stat(folder, &st))
		return error_set(err, TOKEEP_ECONFIG, "%s: %s: %s", path, folder, strerror(errno));
	if (st.st_mode & S_ISVTX)
		return 0;
	if (st.st_mode & S_IWOTH)
		return error_set(err, TOKEEP_ECONFIG,
				 "%s: everybody may write into the folder %s and replace it; run: chmod o-w %s",
				 path, folder, folder);
	if (st.st_mode & S_IWGRP && st.st_uid && !(st.st_uid == geteuid() && st.st_gid == getegid()))
		return error_set(err, TOKEEP_ECONFIG,
				 "%s: a group may write into the folder %s and replace it; run: chmod g-w %s",
				 path, folder, folder);
	return 0;
}

/* Each folder above an absolute path, from / down. */
static int refuse_folders(const char *path, const char *absolute, struct error *err)
{
	char folder[4096];
	size_t i, length = strlen(absolute);
	int r;

	if (length >= sizeof(folder))
		return error_set(err, TOKEEP_ECONFIG, "%s: %s", path, strerror(ENAMETOOLONG));
	for (i = 0; i < length; i++) {
		if (absolute[i] == '/') {
			memcpy(folder, absolute, i ? i : 1);
			folder[i ? i : 1] = '\0';
			r = refuse_folder(path, folder, err);
			if (r)
				return r;
		}
	}
	return 0;
}

static int refuse_file(const char *path, const struct stat *st, struct error *err)
{
	if (S_ISDIR(st->st_mode))
		return error_set(err, TOKEEP_ECONFIG, "%s: is a folder, not a file", path);
	if (!S_ISREG(st->st_mode))
		return error_set(err, TOKEEP_ECONFIG, "%s: is not a regular file", path);
	if (st->st_uid && st->st_uid != geteuid())
		return error_set(err, TOKEEP_ECONFIG,
				 "%s: belongs to user %ld, neither to root nor to us (%ld)", path,
				 (long)st->st_uid, (long)geteuid());
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, TOKEEP_ECONFIG, "%s: %s may write it; run: chmod go-w %s", path,
				 st->st_mode & S_IWOTH ? "everybody" : "its group", path);
	if (st->st_size > TRUSTED_SIZE_MAX)
		return error_set(err, TOKEEP_ECONFIG, "%s: has %lld bytes, more than %d", path,
				 (long long)st->st_size, TRUSTED_SIZE_MAX);
	return 0;
}

/* One byte more than allowed is asked for, in case the file grows meanwhile. */
static int read_all(int fd, const char *path, size_t expected, char **bytes, size_t *size, struct error *err)
{
	size_t room = expected + 1;
	char *buffer = malloc(room + 1);
	ssize_t n;

	if (!buffer)
		return error_nomem(err);
	*size = 0;
	do {
		n = read(fd, buffer + *size, room - *size);
		if (n > 0)
			*size += n;
	} while ((n > 0 && *size < room) || (n < 0 && errno == EINTR));
	if (n < 0 || *size == room) {
		secret_free_size(buffer, room + 1);
		return error_set(err, TOKEEP_ECONFIG, "%s: %s", path,
				 n < 0 ? strerror(errno) : "grew while it was read");
	}
	buffer[*size] = '\0';
	*bytes = buffer;
	return 0;
}

static int read_fd(int fd, const char *path, struct source *source, char **bytes, size_t *size,
		   struct error *err)
{
	struct stat st;
	int r;

	if (fstat(fd, &st))
		return error_set(err, TOKEEP_ECONFIG, "%s: %s", path, strerror(errno));
	r = refuse_file(path, &st, err);
	if (!r)
		r = read_all(fd, path, st.st_size, bytes, size, err);
	source->readable = st.st_mode & (S_IRGRP | S_IROTH);
	source->device = st.st_dev;
	source->inode = st.st_ino;
	return r;
}

/* Configuration files are often links into a folder of dotfiles, so links are followed, first, and what they
 * lead to is judged; the way there, too. */
int trusted_read(const char *path, struct source *source, char **bytes, size_t *size, struct error *err)
{
	char *real = realpath(path, NULL);
	int fd, r;

	if (!real)
		return error_set(err, TOKEEP_ECONFIG, "%s: %s", path, strerror(errno));
	fd = open(real, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
	if (fd < 0) {
		r = error_set(err, TOKEEP_ECONFIG, "%s: %s", path, strerror(errno));
	} else {
		r = read_fd(fd, path, source, bytes, size, err);
		close(fd);
		if (!r) {
			r = refuse_folders(path, real, err);
			if (!r && *path == '/' && strcmp(path, real))
				r = refuse_folders(path, path, err);
			if (r)
				secret_free_size(*bytes, *size + 1);
		}
	}
	free(real);
	return r;
}
