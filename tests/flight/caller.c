/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caller.c: fork CONFIG: parent and child ask with one and the same context; deadline CONFIG: with half a second of time. */
#include <tokeep.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void ask(struct tokeep *tk)
{
	struct tokeep_token *token = tokeep_token_new();
	int r;

	tokeep_token_set(token, TOKEEP_FIELD_USER_NAME, "alice@example.com");
	r = tokeep_access_token(tk, token, 0);
	if (r)
		printf("%d %s\n", r, tokeep_message(tk));
	else
		puts(tokeep_token_get(token, TOKEEP_FIELD_ACCESS_TOKEN));
	fflush(stdout);
	tokeep_token_free(token);
}

/* The store is open in the parent before there is a child. */
static void open_store(struct tokeep *tk)
{
	struct tokeep_token *token = tokeep_token_new();

	tokeep_find_token_by_id(tk, "1", token);
	tokeep_token_free(token);
}

int main(int argc, char **argv)
{
	struct tokeep *tk;
	pid_t child = -1;

	if (argc != 3 || tokeep_new(&tk) || tokeep_load(tk, argv[2]))
		return 2;
	if (!strcmp(argv[1], "fork")) {
		open_store(tk);
		child = fork();
	} else {
		tokeep_set_timeout(tk, 500);
	}
	ask(tk);
	tokeep_free(tk);
	if (child > 0)
		waitpid(child, NULL, 0);
	return 0;
}
