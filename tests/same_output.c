/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * same_output.c: runs a script of operations in one process, so that stores whose tokens end with the process can take
 * part. Run as `same_output CONFIG`, with the script on standard input:
 *
 *     save field=value ...      find field=value ...      id ID      delete ID      list      clear
 *
 * Fields are separated by a tab, as in the verbs of test_same_output.sh. Each operation prints what it came to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tokeep.h>

static struct tokeep *tk;

static int field_number(const char *name, size_t n)
{
	for (int f = 0; tokeep_field_name(f); f++)
		if (strlen(tokeep_field_name(f)) == n && !strncmp(tokeep_field_name(f), name, n))
			return f;
	return -1;
}

/* "field=value<TAB>field=value" */
static struct tokeep_token *parse(char *text)
{
	struct tokeep_token *t = tokeep_token_new();

	for (char *word = text ? strtok(text, "\t") : NULL; word; word = strtok(NULL, "\t")) {
		char *value = strchr(word, '=');

		if (!t || !value || tokeep_token_set(t, field_number(word, (size_t)(value - word)), value + 1)) {
			fprintf(stderr, "same_output: %s\n", word);
			exit(2);
		}
	}
	return t;
}

static int print(void *data, const struct tokeep_token *t)
{
	(void)data;
	for (int f = 0; tokeep_field_name(f); f++)
		if (tokeep_token_get(t, f))
			printf("  %s=%s", tokeep_field_name(f), tokeep_token_get(t, f));
	putchar('\n');
	return 0;
}

static int save(char *rest)
{
	struct tokeep_token *t = parse(rest);
	int r = tokeep_save_token(tk, t);

	print(NULL, t);
	tokeep_token_free(t);
	return r;
}

static int find(char *rest)
{
	struct tokeep_token *t = parse(rest);
	int r = tokeep_find_token(tk, t);

	print(NULL, t);
	tokeep_token_free(t);
	return r;
}

static int by_id(char *rest)
{
	struct tokeep_token *t = tokeep_token_new();
	int r = tokeep_find_token_by_id(tk, rest, t);

	print(NULL, t);
	tokeep_token_free(t);
	return r;
}

static int delete_one(char *rest)
{
	return tokeep_delete_token(tk, rest);
}

static int list(char *rest)
{
	(void)rest;
	return tokeep_get_tokens(tk, print, NULL);
}

static int clear(char *rest)
{
	(void)rest;
	return tokeep_delete_tokens(tk);
}

static int access_token(char *rest)
{
	struct tokeep_token *t = parse(rest);
	int r = tokeep_access_token(tk, t, 0);

	puts(tokeep_token_get(t, TOKEEP_FIELD_ACCESS_TOKEN) ? tokeep_token_get(t, TOKEEP_FIELD_ACCESS_TOKEN) : "-");
	tokeep_token_free(t);
	return r;
}

static const struct {
	const char *name;
	int (*run)(char *rest);
} operations[] = {
	{ "save", save }, { "find", find }, { "id", by_id }, { "delete", delete_one },
	{ "list", list }, { "clear", clear }, { "token", access_token },
};

static void run(char *line)
{
	char *rest = strchr(line, '\t');

	printf("%s\n", line);
	if (rest)
		*rest++ = '\0';
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
		if (!strcmp(operations[i].name, line)) {
			int r = operations[i].run(rest);

			printf("  %s, exit code %d\n", tokeep_class_name(r), tokeep_exit_code(r));
			return;
		}
	}
	fprintf(stderr, "same_output: %s: no such operation\n", line);
	exit(2);
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (argc != 2 || tokeep_new(&tk) || tokeep_load(tk, argv[1])) {
		fprintf(stderr, "same_output: %s\n", tk ? tokeep_message(tk) : "");
		return 2;
	}
	while ((n = getline(&line, &size, stdin)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (*line)
			run(line);
	}
	free(line);
	tokeep_free(tk);
	return 0;
}
