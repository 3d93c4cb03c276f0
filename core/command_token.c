/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_token.c: tokeep token: an access token that is valid now, in the form that the caller can use. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command_json.h"

static const char *or_empty(const char *value)
{
	return value ? value : "";
}

/* For a shell's eval: within single quotes nothing but a single quote means anything. */
static void put_quoted(const char *name, const char *value)
{
	printf("%s='", name);
	for (; *value; value++)
		if (*value == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*value);
	puts("'");
}

static int print_env(struct command *cmd, const struct tokeep_token *token)
{
	static const struct {
		const char *name;
		int field;
	} variables[] = {
		{ "TOKEEP_ACCESS_TOKEN", TOKEEP_FIELD_ACCESS_TOKEN },
		{ "TOKEEP_EXPIRY_TIME",  TOKEEP_FIELD_EXPIRY_TIME },
		{ "TOKEEP_API_DOMAIN",   TOKEEP_FIELD_API_DOMAIN },
		{ "TOKEEP_USER_NAME",    TOKEEP_FIELD_USER_NAME },
	};

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		put_quoted(variables[i].name, or_empty(tokeep_token_get(token, variables[i].field)));
	return 0;
}

static int print_header(struct command *cmd, const struct tokeep_token *token)
{
	char word[256];
	int r = tokeep_header_word(cmd->tk, token, word, sizeof(word));

	if (r)
		return say_failure(cmd, cmd->tk, r, NULL);
	printf("Authorization: %s %s\n", word, or_empty(tokeep_token_get(token, TOKEEP_FIELD_ACCESS_TOKEN)));
	return 0;
}

static int print_json(struct command *cmd, const struct tokeep_token *token)
{
	static const int fields[] = {
		TOKEEP_FIELD_ACCESS_TOKEN, TOKEEP_FIELD_TOKEN_TYPE, TOKEEP_FIELD_EXPIRY_TIME, TOKEEP_FIELD_USER_NAME,
		TOKEEP_FIELD_CLIENT_ID,	   TOKEEP_FIELD_API_DOMAIN, TOKEEP_FIELD_ID,
	};
	enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };
	struct json_item items[FIELDS + 1] = { { NULL, JSON_TEXT_ITEM, NULL, 0 } };

	for (int i = 0; i < FIELDS; i++) {
		items[i].name = tokeep_field_name(fields[i]);
		items[i].text = tokeep_token_get(token, fields[i]);
	}
	if (json_put_object(items))
		return say_error(cmd, TOKEEP_ENOMEM, "out of memory");
	putchar('\n');
	return 0;
}

static int print_token(struct command *cmd, const struct tokeep_token *token)
{
	if (cmd->values[OPTION_HEADER])
		return print_header(cmd, token);
	if (cmd->values[OPTION_ENV])
		return print_env(cmd, token);
	if (cmd->json)
		return print_json(cmd, token);
	puts(or_empty(tokeep_token_get(token, TOKEEP_FIELD_ACCESS_TOKEN)));
	return 0;
}

/* A token that the store did not take is one to use all the same. */
static int hand_out(struct command *cmd, struct tokeep_token *token, int r)
{
	int printed = 0;

	if (!r || r == TOKEEP_EUNSAVED)
		printed = print_token(cmd, token);
	return r ? say_failure(cmd, cmd->tk, r, NULL) : printed;
}

/* Of a store that can't be read the journal may have the token that was named. */
static int from_journal(struct command *cmd, struct tokeep_token *token, int64_t min_ttl_s)
{
	const char *client = cmd->values[OPTION_CLIENT];

	if (client && tokeep_token_set(token, TOKEEP_FIELD_CLIENT_ID, tokeep_client_id(cmd->tk, client)))
		return say_error(cmd, TOKEEP_EINVAL, "--client: too long, or a line break is in it");
	return hand_out(cmd, token, tokeep_access_token(cmd->tk, token, min_ttl_s));
}

static int get(struct command *cmd, struct tokeep_token *token)
{
	static const enum option_id forms[] = { OPTION_HEADER, OPTION_ENV, OPTION_JSON, OPTIONS };
	const char *user = arguments_operand(cmd, 0), *client = cmd->values[OPTION_CLIENT], *id = cmd->values[OPTION_ID];
	int64_t min_ttl_s = 0;
	int r = arguments_one_of(cmd, forms);

	if (!r)
		r = arguments_seconds(cmd, OPTION_MIN_TTL, &min_ttl_s);
	if (!r)
		r = records_wanted(cmd, user, token);
	if (r)
		return r;
	/* Asked for by its user alone, as by scripts, a token is looked up once; choosing it first would do so twice.
	 * Where that finds none or too many, choosing knows what to do or to say. */
	if (user && !client) {
		r = tokeep_access_token(cmd->tk, token, min_ttl_s);
		if (r != TOKEEP_EAMBIGUOUS && r != TOKEEP_ENOTFOUND)
			return hand_out(cmd, token, r);
	}
	r = tokeep_choose_token(cmd->tk, client, token);
	if (r == TOKEEP_ESTORE && (user || (id && !client)))
		return from_journal(cmd, token, min_ttl_s);
	if (r)
		return say_failure(cmd, cmd->tk, r, id);
	return hand_out(cmd, token, tokeep_access_token(cmd->tk, token, min_ttl_s));
}

int verb_token(struct command *cmd)
{
	struct tokeep_token *token = tokeep_token_new();
	int r = token ? get(cmd, token) : say_error(cmd, TOKEEP_ENOMEM, "out of memory");

	tokeep_token_free(token);
	return r;
}
