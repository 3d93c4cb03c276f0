/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store.h: one store under test at the level of backend.h, where the optional parts of a plugin can be called, too.
 * What is said here of a store by way of the public header is the contract suite's.
 */
#ifndef STORE_H
#define STORE_H

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend.h"
#include "conf.h"
#include "tap.h"

enum {
	ID = TOKEEP_FIELD_ID,
	USER = TOKEEP_FIELD_USER_NAME,
	CLIENT = TOKEEP_FIELD_CLIENT_ID,
	REFRESH = TOKEEP_FIELD_REFRESH_TOKEN,
	ACCESS = TOKEEP_FIELD_ACCESS_TOKEN,
	GRANT = TOKEEP_FIELD_GRANT_TOKEN,
	SCOPE = TOKEEP_FIELD_SCOPE,
	END = -1
};

static char folder[256]; /* private, gone when the test ends */
static pid_t owner;

__attribute__((unused)) static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

__attribute__((unused)) static void remove_folder(void)
{
	if (getpid() == owner)
		nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

__attribute__((unused)) static void make_folder(void)
{
	const char *tmp = getenv("TMPDIR");

	owner = getpid();
	snprintf(folder, sizeof(folder), "%s/tokeep-test.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(folder)) {
		perror(folder);
		exit(1);
	}
	atexit(remove_folder);
}

/* FOLDER/NAME; the last four stay valid. */
__attribute__((unused)) static const char *in_folder(const char *name)
{
	static char paths[4][512];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

struct store {
	struct conf conf;
	struct error err;
	struct log log;
	struct tokeep_backend *be;
	char logged[1024]; /* the last line */
};

__attribute__((unused)) static void take_log(void *data, int level, const char *line)
{
	struct store *s = data;

	if (level <= TOKEEP_LOG_WARNING)
		snprintf(s->logged, sizeof(s->logged), "%s", line);
}

/* What the last failure said. */
__attribute__((unused)) static const char *said(struct store *s)
{
	return s->err.text ? s->err.text : "";
}

/* With these lines as the config. */
__attribute__((unused)) static int store_open(struct store *s, const char *config)
{
	char name[40];
	const char *path;
	FILE *f;
	int r;

	snprintf(name, sizeof(name), "tokeep-%ld.conf", (long)getpid());
	path = in_folder(name);
	f = fopen(path, "w");
	memset(s, 0, sizeof(*s));
	s->log = (struct log){ take_log, s };
	if (!f || fputs(config, f) < 0 || fclose(f) || chmod(path, 0600)) {
		perror(path);
		exit(1);
	}
	r = conf_read(&s->conf, path, &s->err);
	if (!r)
		r = backend_load(&s->conf, s->conf.store, &s->log, &s->err, &s->be);
	return r ? r : backend_ready(s->be);
}

__attribute__((unused)) static void store_close(struct store *s)
{
	backend_free(s->be);
	conf_free(&s->conf);
	error_clear(&s->err);
	s->be = NULL;
}

__attribute__((unused)) static struct tokeep_token token(int field, ...)
{
	struct tokeep_token t = { { NULL } };
	va_list args;

	va_start(args, field);
	for (; field != END; field = va_arg(args, int))
		if (tokeep_token_set(&t, field, va_arg(args, const char *)))
			exit(1);
	va_end(args);
	return t;
}

/* Saves the token and forgets it; its id in `id` where that isn't NULL. */
__attribute__((unused)) static int save(struct store *s, char id[80], struct tokeep_token t)
{
	int r = backend_save(s->be, &t);

	if (id)
		snprintf(id, 80, "%s", !r ? t.value[ID] : "");
	token_clear(&t);
	return r;
}

/* A field of the one that is found; "(RESULT)" where none is. Valid until the next call. */
__attribute__((unused)) static const char *found(struct store *s, int field, struct tokeep_token wanted)
{
	static char value[TOKEEP_VALUE_MAX + 1];
	int r = backend_find(s->be, &wanted);

	if (r)
		snprintf(value, sizeof(value), "(%d)", r);
	else
		snprintf(value, sizeof(value), "%s", wanted.value[field] ? wanted.value[field] : "");
	token_clear(&wanted);
	return value;
}

__attribute__((unused)) static int count_one(void *data, const struct tokeep_token *t)
{
	++*(int *)data;
	return 0;
}

__attribute__((unused)) static int rows(struct store *s)
{
	int n = 0, r = backend_get_tokens(s->be, count_one, &n);

	return r ? r : n;
}

/* Runs it in a child; the exit status, or 128 and the signal. */
__attribute__((unused)) static int in_child(int (*child)(void *data), void *data)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		alarm(60);
		_exit(child(data));
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
#endif
