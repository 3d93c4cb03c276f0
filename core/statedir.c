/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* statedir.c: the folder for locks, the journal and what is remembered of refusals. */
#include "statedir.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "safefile.h"
#include "secret.h"

char *statedir_path(const struct conf *conf, const char *name)
{
	char *path;

	if (asprintf(&path, "%s%s%s", conf->state_dir, name ? "/" : "", name ? name : "") < 0)
		return NULL;
	return path;
}

/* What is inside state_dir is no safer than that. */
int statedir_make(const struct conf *conf, const char *name, struct error *err)
{
	int r = name ? statedir_make(conf, NULL, err) : 0;
	char *path, why[SAFEFILE_WHY];

	if (r)
		return r;
	path = statedir_path(conf, name);
	if (!path)
		return error_nomem(err);
	if (safefile_folder(path, why))
		r = error_set(err, TOKEEP_ESTORE, "%s: can't be used for state: %s", path, why);
	free(path);
	return r;
}

char *statedir_line(char **rest, char **value)
{
	char *line = *rest, *end = line ? strchr(line, '\n') : NULL;

	if (!end)
		return NULL; /* a torn last line is none */
	*end = '\0';
	*rest = end + 1;
	*value = strchr(line, ' ');
	if (*value)
		*(*value)++ = '\0';
	else
		*value = end;
	return line;
}

static uint64_t hash(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	while (*text)
		h = (h ^ (unsigned char)*text++) * UINT64_C(0x100000001b3);
	return h;
}

void statedir_record_name(uint64_t store, const char *id, char name[STATEDIR_NAME])
{
	snprintf(name, STATEDIR_NAME, "%016" PRIx64 "-%016" PRIx64, store, hash(id));
}

char *statedir_read(int fd, size_t *size)
{
	struct stat st;
	char *text;
	ssize_t n = 1;

	*size = 0;
	if (fstat(fd, &st))
		return NULL;
	text = malloc(st.st_size + 1);
	if (!text)
		return NULL;
	while (n > 0 && *size < (size_t)st.st_size) {
		n = pread(fd, text + *size, st.st_size - *size, *size);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			*size += n;
	}
	if (n < 0) {
		secret_free_size(text, *size);
		return NULL;
	}
	text[*size] = '\0';
	return text;
}

int statedir_write(const struct conf *conf, const char *folder, const char *path, const char *text, size_t size,
		   char why[SAFEFILE_WHY])
{
	struct error err = { .retry_after_s = -1 };
	struct safefile file;

	if (statedir_make(conf, folder, &err)) {
		snprintf(why, SAFEFILE_WHY, "%s", error_text(&err));
		error_clear(&err);
		return -1;
	}
	if (safefile_begin(&file, path, why))
		return -1;
	if (!safefile_write(file.fd, text, size))
		return safefile_commit(&file, why);
	snprintf(why, SAFEFILE_WHY, "write: %s", strerror(errno));
	safefile_abandon(&file);
	return -1;
}
