/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_exec.c: tokeep exec: runs a command with a valid token in its environment, which no other process sees. */
#include "command.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name;
	int field;
} variables[] = {
	{ "TOKEEP_ACCESS_TOKEN", TOKEEP_FIELD_ACCESS_TOKEN },
	{ "TOKEEP_API_DOMAIN",   TOKEEP_FIELD_API_DOMAIN },
	{ "TOKEEP_USER_NAME",    TOKEEP_FIELD_USER_NAME },
};
enum { VARIABLES = sizeof(variables) / sizeof(variables[0]) };

/* What the record doesn't have must not be there from an outer tokeep exec. */
static int set_environment(struct command *cmd, const struct tokeep_token *token)
{
	for (int i = 0; i < VARIABLES; i++) {
		const char *value = tokeep_token_get(token, variables[i].field);

		if (value ? setenv(variables[i].name, value, 1) : unsetenv(variables[i].name))
			return say_error(cmd, TOKEEP_ENOMEM, "out of memory");
	}
	return 0;
}

/* Returns only where that failed. The command lives as if tokeep had not been there, but for the limit on core files,
 * which would hold the token. */
static int run(struct command *cmd)
{
	tokeep_free(cmd->tk); /* no connection and no lock goes along */
	cmd->tk = NULL;
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	execvp(cmd->behind[0], cmd->behind);
	return say_error(cmd, TOKEEP_EINVAL, "%s: can't be run: %s", cmd->behind[0], strerror(errno));
}

static int exec_with(struct command *cmd, struct tokeep_token *token)
{
	int r = records_choose(cmd, arguments_operand(cmd, 0), token);

	if (r)
		return r;
	r = tokeep_access_token(cmd->tk, token, 0);
	if (r == TOKEEP_EUNSAVED)
		say_warning(cmd, "%s", tokeep_message(cmd->tk));
	else if (r)
		return say_failure(cmd, cmd->tk, r, NULL);
	return set_environment(cmd, token);
}

int verb_exec(struct command *cmd)
{
	struct tokeep_token *token;
	int r;

	if (!cmd->behind[0])
		return say_error(cmd, TOKEEP_EINVAL, "which command? run: tokeep exec [USER] -- COMMAND...");
	token = tokeep_token_new();
	r = token ? exec_with(cmd, token) : say_error(cmd, TOKEEP_ENOMEM, "out of memory");
	tokeep_token_free(token);
	return r ? r : run(cmd);
}
