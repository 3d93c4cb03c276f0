/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store_calls.c: calls the entry points of a store in turn, for tests that need more than the command does: leases,
 * transactions, a stop in the middle.
 *
 *     store_calls CONFIG CALL [ARGUMENT...] [, CALL [ARGUMENT...]]...
 *
 * Each call prints one line: "ok" and what came out, or the class of the failure and the message. Ends with the last
 * result's exit code.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"

static struct tokeep_backend *be;
static struct error err;

static void say(void *data, int level, const char *line)
{
	if (level <= TOKEEP_LOG_WARNING)
		fprintf(stderr, "%s\n", line);
}

static const char *argument(char **words, int i)
{
	return words[i] ? words[i] : "";
}

/* FIELD=VALUE...; VALUE "*N" is N times x. */
static void fill(struct tokeep_token *token, char **words)
{
	for (; *words; words++) {
		const char *equals = strchr(*words, '=');
		char *name = equals ? strndup(*words, equals - *words) : NULL;
		int field = name ? token_field(name) : -1;
		char *many = NULL;

		if (field >= 0 && equals[1] == '*') {
			size_t n = strtoul(equals + 2, NULL, 10);

			many = malloc(n + 1);
			memset(many, 'x', n);
			many[n] = '\0';
		}
		if (field < 0 || tokeep_token_set(token, field, many ? many : equals + 1)) {
			fprintf(stderr, "store_calls: %s\n", *words);
			exit(2);
		}
		free(many);
		free(name);
	}
}

static void print(const struct tokeep_token *token)
{
	for (int f = 0; tokeep_field_name(f); f++)
		if (tokeep_token_get(token, f))
			printf(" %s=%s", tokeep_field_name(f), tokeep_token_get(token, f));
}

static int print_id(void *data, const struct tokeep_token *token)
{
	printf(" %s", tokeep_token_get(token, TOKEEP_FIELD_ID));
	return 0;
}

enum call { SAVE, SWAP, PROBE, FIND, ID, DELETE, CLEAR, LIST, BEGIN, KEEP, DROP, LOCK, UNLOCK, SLEEP, WAIT, CALLS };

static const char *const names[CALLS] = {
	"save", "swap", "probe", "find", "id", "delete", "clear", "list", "begin", "keep", "drop", "lock", "unlock",
	"sleep", "wait",
};

static int wait_for(const char *file)
{
	while (access(file, F_OK))
		usleep(10000);
	return 0;
}

static int call(enum call what, char **words, struct tokeep_token *token)
{
	const char *first = argument(words, 0);

	switch (what) {
	case SAVE:
		fill(token, words);
		return backend_save(be, token);
	case SWAP:
		fill(token, words + 1);
		return backend_swap(be, token, first);
	case PROBE:
		fill(token, words);
		return backend_probe(be, token);
	case FIND:
		fill(token, words);
		return backend_find(be, token);
	case ID:
		return backend_find_by_id(be, first, token);
	case DELETE:
		return backend_delete(be, first);
	case CLEAR:
		return backend_delete_tokens(be);
	case LIST:
		return backend_get_tokens(be, print_id, NULL);
	case BEGIN:
		return backend_begin(be);
	case KEEP:
	case DROP:
		return backend_commit(be, what == KEEP);
	case LOCK:
		return backend_lock(be, first, atoll(argument(words, 1)), atoll(argument(words, 2)));
	case UNLOCK:
		return backend_unlock(be, first);
	case SLEEP:
		return usleep(1000 * (useconds_t)atol(first));
	case WAIT:
		return wait_for(first);
	default:
		fprintf(stderr, "store_calls: no such call\n");
		exit(2);
	}
}

static int run(char **words)
{
	struct tokeep_token *token = tokeep_token_new();
	int what = 0, r;

	while (what < CALLS && strcmp(names[what], argument(words, 0)))
		what++;
	r = call(what, words + 1, token);
	if (r)
		printf("%s: %s", tokeep_class_name(r), error_text(&err));
	else
		printf(what == LIST ? " ok" : "ok");
	if (!r && (what == SAVE || what == FIND || what == ID))
		print(token);
	putchar('\n');
	fflush(stdout);
	tokeep_token_free(token);
	return r;
}

int main(int argc, char **argv)
{
	const struct log log = { .write = say };
	struct conf conf = { 0 };
	int r;

	if (argc < 3) {
		fprintf(stderr, "usage: store_calls CONFIG CALL [ARGUMENT...] [, CALL ...]\n");
		return 2;
	}
	r = conf_read(&conf, argv[1], &err);
	if (!r)
		r = backend_load(&conf, conf.store, &log, &err, &be);
	if (r) {
		printf("%s: %s\n", tokeep_class_name(r), error_text(&err));
		conf_free(&conf);
		error_clear(&err);
		return tokeep_exit_code(r);
	}
	for (int i = 2; i < argc; i++) {
		char **words = argv + i;

		while (i < argc && strcmp(argv[i], ","))
			i++;
		argv[i] = NULL;
		r = run(words);
	}
	backend_free(be);
	conf_free(&conf);
	error_clear(&err);
	return tokeep_exit_code(r);
}
