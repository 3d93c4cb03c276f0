/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_login.c: tokeep login: each form brings a grant, the library makes a saved token of it. */
#include "command.h"

#include <stdio.h>

#include "command_json.h"

struct form {
	enum option_id option; /* that chooses it */
	const char *what;      /* the secret that is asked for */
	int (*run)(struct tokeep *tk, const char *client, const char *secret, struct tokeep_token *token);
};

static const struct form forms[] = {
	{ OPTION_CODE,          "code or callback URL", tokeep_login_code },
	{ OPTION_REFRESH_TOKEN, "refresh token",        tokeep_login_refresh_token },
};
enum { FORMS = sizeof(forms) / sizeof(forms[0]) };

/* NULL: none, or more than one, and that has been said. */
static const struct form *choose_form(struct command *cmd)
{
	static const enum option_id ids[] = { OPTION_CODE, OPTION_REFRESH_TOKEN, OPTIONS };

	if (arguments_one_of(cmd, ids))
		return NULL;
	for (int i = 0; i < FORMS; i++)
		if (cmd->values[forms[i].option])
			return &forms[i];
	say_error(cmd, TOKEEP_EINVAL,
		  "how to log in? With a code from the provider's console or a callback URL, run: tokeep login --code - ; "
		  "with a refresh token you have, run: tokeep login --refresh-token -");
	return NULL;
}

static int read_grant(struct command *cmd, const struct form *form, char **secret)
{
	int r = secret_option(cmd, form->option, form->what, secret);

	if (r || **secret)
		return r;
	secret_drop(*secret);
	return say_error(cmd, TOKEEP_EINVAL, "%s: nothing was given", form->what);
}

static int report(struct command *cmd, const struct tokeep_token *token)
{
	const char *user = tokeep_token_get(token, TOKEEP_FIELD_USER_NAME);
	const char *id = tokeep_token_get(token, TOKEEP_FIELD_ID);
	int64_t expiry_ms = output_time_ms(token, TOKEEP_FIELD_EXPIRY_TIME);
	char relative[OUTPUT_RELATIVE_MAX] = "";

	if (cmd->json) {
		if (json_put_record(stdout, token, false))
			return say_error(cmd, TOKEEP_ENOMEM, "out of memory");
		putchar('\n');
		return 0;
	}
	if (expiry_ms >= 0)
		output_relative(relative, expiry_ms, output_now_ms());
	say(cmd, "logged in as %s (id %s)%s%s", user ? user : "an account without a name", id ? id : "none yet",
	    *relative ? "; the access token expires " : "", relative);
	return 0;
}

static int login(struct command *cmd, const struct form *form, const char *secret, struct tokeep_token *token)
{
	int r;

	if (tokeep_token_set(token, TOKEEP_FIELD_USER_NAME, cmd->values[OPTION_USER]) ||
	    tokeep_token_set(token, TOKEEP_FIELD_SCOPE, cmd->values[OPTION_SCOPE]))
		return say_error(cmd, TOKEEP_EINVAL, "--user or --scope: too long, or a line break is in it");
	r = form->run(cmd->tk, arguments_operand(cmd, 0), secret, token);
	if (!r || r == TOKEEP_EUNSAVED)
		report(cmd, token);
	return r ? say_failure(cmd, cmd->tk, r, NULL) : 0;
}

int verb_login(struct command *cmd)
{
	const struct form *form = choose_form(cmd);
	struct tokeep_token *token;
	char *secret = NULL;
	int r;

	if (!form)
		return TOKEEP_EINVAL;
	r = read_grant(cmd, form, &secret);
	if (r)
		return r;
	token = tokeep_token_new();
	r = token ? login(cmd, form, secret, token) : say_error(cmd, TOKEEP_ENOMEM, "out of memory");
	tokeep_token_free(token);
	secret_drop(secret);
	return r;
}
