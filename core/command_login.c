/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_login.c: tokeep login: each form brings a grant, the library makes a saved token of it. */
#include "command.h"

#include <stdio.h>

#include "command_json.h"

struct form {
	enum option_id option; /* that chooses it */
	const char *what;      /* the secret that is asked for; NULL: none */
	int (*run)(struct command *cmd, const char *client, const char *secret, struct tokeep_token *token);
};

static int code_login(struct command *cmd, const char *client, const char *secret, struct tokeep_token *token)
{
	return tokeep_login_code(cmd->tk, client, secret, token);
}

static int refresh_token_login(struct command *cmd, const char *client, const char *secret, struct tokeep_token *token)
{
	return tokeep_login_refresh_token(cmd->tk, client, secret, token);
}

static int client_credentials_login(struct command *cmd, const char *client, const char *secret,
				    struct tokeep_token *token)
{
	(void)secret;
	return tokeep_login_client_credentials(cmd->tk, client, token);
}

static const struct form forms[] = {
	{ OPTION_CODE,               "code or callback URL", code_login },
	{ OPTION_REFRESH_TOKEN,      "refresh token",        refresh_token_login },
	{ OPTION_DEVICE,             NULL,                   device_login },
	{ OPTION_CLIENT_CREDENTIALS, NULL,                   client_credentials_login },
};
enum { FORMS = sizeof(forms) / sizeof(forms[0]) };

/* NULL: none, so it is the browser. What goes with the browser alone goes with none of the others. */
static int choose_form(struct command *cmd, const struct form **form)
{
	static const enum option_id ports[] = { OPTION_CODE, OPTION_REFRESH_TOKEN, OPTION_DEVICE,
						OPTION_CLIENT_CREDENTIALS, OPTION_PORT, OPTIONS };
	static const enum option_id browsers[] = { OPTION_CODE, OPTION_REFRESH_TOKEN, OPTION_DEVICE,
						   OPTION_CLIENT_CREDENTIALS, OPTION_NO_BROWSER, OPTIONS };

	*form = NULL;
	if (arguments_one_of(cmd, ports) || arguments_one_of(cmd, browsers))
		return TOKEEP_EINVAL;
	for (int i = 0; i < FORMS; i++)
		if (cmd->values[forms[i].option])
			*form = &forms[i];
	return 0;
}

static int read_grant(struct command *cmd, const struct form *form, char **secret)
{
	int r = form->what ? secret_option(cmd, form->option, form->what, secret) : 0;

	if (r || !form->what || **secret)
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

static int log_in(struct command *cmd, const struct form *form, struct tokeep_token *token)
{
	char *secret = NULL;
	int r;

	if (!form)
		return browser_login(cmd, token);
	r = read_grant(cmd, form, &secret);
	if (r)
		return r;
	r = form->run(cmd, arguments_operand(cmd, 0), secret, token);
	secret_drop(secret);
	return r ? say_failure(cmd, cmd->tk, r, NULL) : 0;
}

int verb_login(struct command *cmd)
{
	const struct form *form;
	struct tokeep_token *token;
	int r = choose_form(cmd, &form);

	if (!r)
		r = setup_offer(cmd);
	if (r)
		return r;
	token = tokeep_token_new();
	if (!token)
		return say_error(cmd, TOKEEP_ENOMEM, "out of memory");
	if (tokeep_token_set(token, TOKEEP_FIELD_USER_NAME, cmd->values[OPTION_USER]) ||
	    tokeep_token_set(token, TOKEEP_FIELD_SCOPE, cmd->values[OPTION_SCOPE]))
		r = say_error(cmd, TOKEEP_EINVAL, "--user or --scope: too long, or a line break is in it");
	if (!r)
		r = log_in(cmd, form, token);
	if (!r || r == TOKEEP_EUNSAVED)
		report(cmd, token);
	tokeep_token_free(token);
	return r;
}
