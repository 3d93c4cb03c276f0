/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * six.c: a store as a stranger may write it: the constant, the six functions, nothing optional but open. Each token is a
 * file of its own, FOLDER/ID, written beside and renamed over. Whatever it lacks (a lease, a swap, a probe), the
 * library has to make up for.
 */
#include <tokeep-store.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

const unsigned int tokeep_store_abi = TOKEEP_STORE_ABI;

#define PATH 4096

int tokeep_store_open(struct tokeep_backend *be)
{
	const char *folder = tokeep_backend_option(be, "path", NULL);

	if (!folder)
		return tokeep_backend_fail(be, TOKEEP_ECONFIG, "six: path: is missing");
	tokeep_backend_set_data(be, (void *)folder);
	return 0;
}

static int failed(struct tokeep_backend *be, const char *what, const char *path)
{
	return tokeep_backend_fail(be, TOKEEP_ESTORE, "six: %s: %s: %s", path, what, strerror(errno));
}

static void path_of(struct tokeep_backend *be, const char *id, const char *tail, char path[PATH])
{
	snprintf(path, PATH, "%s/%s%s", (const char *)tokeep_backend_data(be), id, tail);
}

/* Lines of "name value". */
static int read_row(struct tokeep_backend *be, const char *id, struct tokeep_token *row)
{
	char path[PATH], *line = NULL, *value;
	size_t size = 0;
	ssize_t n;
	FILE *in;

	path_of(be, id, "", path);
	in = strchr(id, '/') || *id == '.' ? NULL : fopen(path, "re");
	if (!in)
		return errno && errno != ENOENT ? failed(be, "open", path) :
						  tokeep_backend_fail(be, TOKEEP_ENOTFOUND, "six: no token %s", id);
	while ((n = getline(&line, &size, in)) > 0) {
		line[n - 1] = '\0';
		value = strchr(line, ' ');
		*value++ = '\0';
		for (int f = 0; tokeep_field_name(f); f++)
			if (!strcmp(line, tokeep_field_name(f)))
				tokeep_token_set(row, f, value);
	}
	if (line)
		explicit_bzero(line, size);
	free(line);
	fclose(in);
	return 0;
}

static int write_row(struct tokeep_backend *be, const struct tokeep_token *row)
{
	const char *id = tokeep_token_get(row, TOKEEP_FIELD_ID);
	char path[PATH], temp[PATH];
	FILE *out;
	int fd;

	path_of(be, id, "", path);
	path_of(be, id, ".new", temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out)
		return failed(be, "open", temp);
	for (int f = 0; tokeep_field_name(f); f++)
		if (tokeep_token_get(row, f))
			fprintf(out, "%s %s\n", tokeep_field_name(f), tokeep_token_get(row, f));
	if (fflush(out) || fsync(fd)) {
		fclose(out);
		return failed(be, "write", temp);
	}
	if (fclose(out) || rename(temp, path))
		return failed(be, "rename", path);
	return 0;
}

/* Calls `each` for every row, in no order, until it returns other than 0. */
static int walk(struct tokeep_backend *be, int (*each)(void *, struct tokeep_token *), void *data)
{
	const char *folder = tokeep_backend_data(be);
	DIR *list = opendir(folder);
	struct dirent *entry;
	int r = 0;

	if (!list)
		return failed(be, "open", folder);
	while (!r && (entry = readdir(list))) {
		struct tokeep_token *row;

		if (strchr(entry->d_name, '.'))
			continue;
		row = tokeep_token_new();
		r = row ? read_row(be, entry->d_name, row) : TOKEEP_ENOMEM;
		if (r == TOKEEP_ENOTFOUND)
			r = 0; /* deleted meanwhile */
		else if (!r)
			r = each(data, row);
		tokeep_token_free(row);
	}
	closedir(list);
	return r;
}

struct search {
	const struct tokeep_token *wanted;
	struct tokeep_token *found;
	int best, fits;
	long highest;
};

static int consider(void *data, struct tokeep_token *row)
{
	struct search *s = data;
	long id = strtol(tokeep_token_get(row, TOKEEP_FIELD_ID), NULL, 10);
	int fit = tokeep_token_matches(row, s->wanted);

	if (id > s->highest)
		s->highest = id;
	if (!fit || (s->best && fit > s->best))
		return 0;
	s->fits = fit == s->best ? s->fits + 1 : 1;
	s->best = fit;
	for (int f = 0; tokeep_field_name(f); f++)
		if (tokeep_token_set(s->found, f, tokeep_token_get(row, f)))
			return TOKEEP_ENOMEM;
	return 0;
}

static int search(struct tokeep_backend *be, struct search *s)
{
	int r;

	s->found = tokeep_token_new();
	r = s->found ? walk(be, consider, s) : TOKEEP_ENOMEM;
	if (!r && !s->fits)
		r = tokeep_backend_fail(be, TOKEEP_ENOTFOUND, "six: no such token");
	if (!r && s->fits > 1)
		r = tokeep_backend_fail(be, TOKEEP_EAMBIGUOUS, "six: more than one token fits");
	return r;
}

int tokeep_store_find_token(struct tokeep_backend *be, struct tokeep_token *token)
{
	struct search s = { .wanted = token };
	int r = search(be, &s);

	for (int f = 0; !r && tokeep_field_name(f); f++)
		r = tokeep_token_set(token, f, tokeep_token_get(s.found, f));
	tokeep_token_free(s.found);
	return r;
}

int tokeep_store_find_token_by_id(struct tokeep_backend *be, const char *id, struct tokeep_token *token)
{
	errno = 0;
	return read_row(be, id, token);
}

/* Savers take turns; the library's lease only keeps apart those who refresh one and the same token. */
static int enter(struct tokeep_backend *be)
{
	char path[PATH];
	int fd;

	path_of(be, ".lock", "", path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && !flock(fd, LOCK_EX))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static int save(struct tokeep_backend *be, struct tokeep_token *token)
{
	struct search s = { .wanted = token };
	struct tokeep_token *old = tokeep_token_new();
	const char *id = tokeep_token_get(token, TOKEEP_FIELD_ID);
	char number[24];
	int r;

	if (!old)
		return TOKEEP_ENOMEM;
	if (!id) {
		r = search(be, &s);
		if (!r)
			r = tokeep_token_set(token, TOKEEP_FIELD_ID, tokeep_token_get(s.found, TOKEEP_FIELD_ID));
		snprintf(number, sizeof(number), "%ld", s.highest + 1);
		if (r == TOKEEP_ENOTFOUND)
			r = tokeep_token_set(token, TOKEEP_FIELD_ID, number);
		tokeep_token_free(s.found);
		if (r) {
			tokeep_token_free(old);
			return r;
		}
	}
	errno = 0;
	r = read_row(be, tokeep_token_get(token, TOKEEP_FIELD_ID), old);
	if (!r)
		r = tokeep_token_merge(token, old);
	if (!r || r == TOKEEP_ENOTFOUND)
		r = write_row(be, token);
	tokeep_token_free(old);
	return r;
}

int tokeep_store_save_token(struct tokeep_backend *be, struct tokeep_token *token)
{
	int fd = enter(be), r;

	if (fd < 0)
		return failed(be, "lock", tokeep_backend_data(be));
	r = save(be, token);
	close(fd);
	return r;
}

int tokeep_store_delete_token(struct tokeep_backend *be, const char *id)
{
	char path[PATH];

	path_of(be, id, "", path);
	if (!unlink(path))
		return 0;
	return errno == ENOENT ? tokeep_backend_fail(be, TOKEEP_ENOTFOUND, "six: no token %s", id) :
				 failed(be, "unlink", path);
}

static int put(void *data, struct tokeep_token *row)
{
	return tokeep_sink_put(data, row);
}

int tokeep_store_get_tokens(struct tokeep_backend *be, struct tokeep_sink *sink)
{
	return walk(be, put, sink);
}

static int remove_one(void *data, struct tokeep_token *row)
{
	return tokeep_store_delete_token(data, tokeep_token_get(row, TOKEEP_FIELD_ID));
}

int tokeep_store_delete_tokens(struct tokeep_backend *be)
{
	return walk(be, remove_one, be);
}
