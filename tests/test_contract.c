/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_contract.c: one suite over every store.
 *
 *     test_contract WORD ['OPTIONS OF ITS GROUP'] [PART]
 *
 * The parts stand in contract_*.c.
 */
#include "contract.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tokeep-store.h>

struct subject subject;

static void bail(const char *what, struct tokeep *tk)
{
	printf("Bail out! %s: %s\n", what, tk ? tokeep_message(tk) : "");
	exit(1);
}

struct tokeep *context_with(const char *config)
{
	struct tokeep *tk;

	if (tokeep_new(&tk))
		bail("tokeep_new", NULL);
	if (tokeep_load(tk, config))
		bail("tokeep_load", tk);
	return tk;
}

struct tokeep *context(void)
{
	return context_with(subject.config);
}

static struct tokeep_token *new_token(void)
{
	struct tokeep_token *t = tokeep_token_new();

	if (!t)
		bail("tokeep_token_new", NULL);
	return t;
}

static struct tokeep_token *token_va(int field, va_list args)
{
	struct tokeep_token *t = new_token();

	for (; field != END; field = va_arg(args, int))
		if (tokeep_token_set(t, field, va_arg(args, const char *)))
			bail("tokeep_token_set", NULL);
	return t;
}

struct tokeep_token *token(int field, ...)
{
	struct tokeep_token *t;
	va_list args;

	va_start(args, field);
	t = token_va(field, args);
	va_end(args);
	return t;
}

struct tokeep_token *copy(const struct tokeep_token *from)
{
	struct tokeep_token *t = new_token();

	for (int f = 0; f < FIELDS; f++)
		if (tokeep_token_set(t, f, tokeep_token_get(from, f)))
			bail("tokeep_token_set", NULL);
	return t;
}

bool same(const struct tokeep_token *a, const struct tokeep_token *b)
{
	for (int f = 0; f < FIELDS; f++) {
		const char *x = tokeep_token_get(a, f), *y = tokeep_token_get(b, f);

		if (x && y ? strcmp(x, y) : x != y)
			return false;
	}
	return true;
}

int save(struct tokeep *tk, char id[64], int field, ...)
{
	struct tokeep_token *t;
	va_list args;
	int r;

	va_start(args, field);
	t = token_va(field, args);
	va_end(args);
	r = tokeep_save_token(tk, t);
	if (!r && id)
		snprintf(id, 64, "%s", tokeep_token_get(t, ID));
	tokeep_token_free(t);
	return r;
}

static int count_one(void *data, const struct tokeep_token *t)
{
	(void)t;
	++*(int *)data;
	return 0;
}

int rows(struct tokeep *tk)
{
	int n = 0, r = tokeep_get_tokens(tk, count_one, &n);

	return r ? r : n;
}

static const char *field_of(int r, struct tokeep_token *t, int field)
{
	static _Thread_local char value[4096];
	const char *text = tokeep_token_get(t, field);

	if (r)
		snprintf(value, sizeof(value), "(%s)", tokeep_class_name(r));
	else
		snprintf(value, sizeof(value), "%s", text ? text : "(none)");
	tokeep_token_free(t);
	return value;
}

const char *found(struct tokeep *tk, const char *user, const char *client, int field)
{
	struct tokeep_token *t = token(USER, user, CLIENT, client, END);

	return field_of(tokeep_find_token(tk, t), t, field);
}

const char *found_id(struct tokeep *tk, const char *id, int field)
{
	struct tokeep_token *t = new_token();

	return field_of(tokeep_find_token_by_id(tk, id, t), t, field);
}

int is_result(struct tokeep *tk, int got, int want, const char *sentence)
{
	const char *text = tokeep_message(tk);
	bool holds = got == want && !!got == !!*text;

	if (!ok(holds, "%s", sentence))
		printf("#   wanted %d, got %d: %s\n", want, got, *text ? text : "(no words)");
	return holds;
}

/*
 * Set-up
 */

static int note_selected(void *data, const struct tokeep_store_info *info)
{
	(void)data;
	if (!info->selected)
		return 0;
	subject.process = info->scope == TOKEEP_SCOPE_PROCESS;
	subject.batches = info->batches;
	return 1;
}

static void learn(void)
{
	struct tokeep *tk = context();

	if (tokeep_get_stores(tk, note_selected, NULL) != 1)
		bail("no store is selected", tk);
	tokeep_free(tk);
}

static void name_group(void)
{
	const char *slash = strrchr(subject.word, '/');
	char *dot;

	snprintf(subject.group, sizeof(subject.group), "%s", slash ? slash + 1 : subject.word);
	dot = strrchr(subject.group, '.');
	if (slash && dot)
		*dot = '\0';
}

/* Without options: a path in our folder for the stores that want one. */
static void write_config(const char *options)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "path = \"%s/tokens\";", subject.folder);
	if (!options)
		options = strcmp(subject.word, "file") && strcmp(subject.word, "sqlite") ? "" : path;
	f = fopen(subject.config, "w");
	if (!f || fprintf(f, "store = \"%s\";\n%s = { %s };\nstate_dir = \"%s/state\";\n", subject.word,
			  subject.group, options, subject.folder) < 0 || fclose(f))
		bail("the config can't be written", NULL);
}

static void set_up(const char *options)
{
	const char *tmp = getenv("TMPDIR");

	umask(077);
	snprintf(subject.folder, sizeof(subject.folder), "%s/tokeep-contract.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(subject.folder))
		bail(subject.folder, NULL);
	snprintf(subject.config, sizeof(subject.config), "%s/tokeep.conf", subject.folder);
	name_group();
	write_config(options);
}

static void tear_down(void)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf '%s'", subject.folder);
	if (system(command))
		printf("# left: %s\n", subject.folder);
}

static void run_parts(const struct part *parts, const char *only)
{
	for (; parts->name; parts++) {
		struct tokeep *tk;

		if (only && strcmp(only, parts->name))
			continue;
		printf("# %s\n", parts->name);
		fflush(stdout);
		tk = context();
		if (tokeep_delete_tokens(tk))
			bail("tokeep_delete_tokens", tk);
		parts->run(tk);
		tokeep_free(tk);
	}
}

int main(int argc, char **argv)
{
	const struct part *const all[] = { share_parts, lookup_parts, value_parts, save_parts, list_parts };

	if (argc < 2) {
		fprintf(stderr, "usage: test_contract WORD ['OPTIONS OF ITS GROUP'] [PART]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	subject.word = argv[1];
	set_up(argc > 2 && *argv[2] ? argv[2] : NULL);
	learn();
	if (argc < 4)
		first_starts_at_once();
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		run_parts(all[i], argc > 3 ? argv[3] : NULL);
	tear_down();
	return done();
}
