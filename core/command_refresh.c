/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_refresh.c: tokeep refresh: new access tokens now, for one account, some, or all that are due. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command_json.h"

struct round {
	struct command *cmd;
	const char *client_id; /* NULL: of any client */
	int64_t due_ms;        /* what expires later is left alone; -1: nothing is */
	bool many;
	int worst;
	long long refreshed, not_due, failed;
	char **ids;            /* for --all: collected first, since the store is written to afterwards */
	size_t count, room;
};

/* What a person must see to comes before what passes by itself. */
static int weight(int result)
{
	static const int classes[] = { 4, 7, 6, 8, 5, 9, 2, 3, 10, 11, 1 };
	int code = tokeep_exit_code(result), n = 0;

	if (!result)
		return 0;
	while (n < (int)(sizeof(classes) / sizeof(classes[0])) && classes[n] != code)
		n++;
	return n + 1;
}

static void count_failure(struct round *round, int result)
{
	round->failed++;
	if (weight(result) > weight(round->worst))
		round->worst = result;
}

static bool is_due(const struct round *round, const struct tokeep_token *token)
{
	int64_t expiry_ms = output_time_ms(token, TOKEEP_FIELD_EXPIRY_TIME);

	if (round->due_ms < 0)
		return true;
	if (!tokeep_token_get(token, TOKEEP_FIELD_ACCESS_TOKEN))
		return true;
	return expiry_ms >= 0 && expiry_ms <= round->due_ms;
}

/* For a message: "alice@example.com", or where there is no name "token 7". Caller frees. */
static char *name_of(const struct tokeep_token *token)
{
	const char *user = tokeep_token_get(token, TOKEEP_FIELD_USER_NAME);
	const char *id = tokeep_token_get(token, TOKEEP_FIELD_ID);
	char *name;

	if (asprintf(&name, "%s%s", user ? "" : "token ", user ? user : id ? id : "?") < 0)
		return NULL;
	return name;
}

/* In a round of many only failures are told one by one. */
static void tell(struct round *round, const struct tokeep_token *token, const char *name, const char *what)
{
	int64_t expiry_ms = output_time_ms(token, TOKEEP_FIELD_EXPIRY_TIME);
	char relative[OUTPUT_RELATIVE_MAX] = "";

	if (round->many)
		return;
	if (expiry_ms >= 0)
		output_relative(relative, expiry_ms, output_now_ms());
	say(round->cmd, "%s: %s%s%s", name, what, *relative ? "; the access token expires " : "", relative);
}

static bool begins_with(const char *message, const char *name)
{
	size_t n = name ? strlen(name) : 0;

	return name && !strncmp(message, name, n) && message[n] == ':';
}

static void refresh(struct round *round, struct tokeep_token *token)
{
	char *name = name_of(token);
	int r;

	if (!is_due(round, token)) {
		round->not_due++;
		tell(round, token, name, "not due");
		free(name);
		return;
	}
	r = tokeep_refresh_token(round->cmd->tk, token);
	if (r) {
		say_failure(round->cmd, round->cmd->tk, r, begins_with(tokeep_message(round->cmd->tk), name) ? NULL : name);
		count_failure(round, r);
	} else {
		round->refreshed++;
		tell(round, token, name, "refreshed");
	}
	free(name);
}

static void refresh_user(struct round *round, const char *user)
{
	struct tokeep_token *token = tokeep_token_new();
	int r = token ? records_choose(round->cmd, user, token) : say_error(round->cmd, TOKEEP_ENOMEM, "out of memory");

	if (r)
		count_failure(round, r);
	else
		refresh(round, token);
	tokeep_token_free(token);
}

/* Of a client's own there is no refresh token; it is asked for anew. */
static bool can_refresh(const struct tokeep_token *token)
{
	const char *grant_type = tokeep_token_get(token, TOKEEP_FIELD_GRANT_TYPE);

	return tokeep_token_get(token, TOKEEP_FIELD_REFRESH_TOKEN) ||
	       (grant_type && !strcmp(grant_type, "client_credentials"));
}

static int collect(void *data, const struct tokeep_token *token)
{
	struct round *round = data;
	const char *client_id = tokeep_token_get(token, TOKEEP_FIELD_CLIENT_ID);
	const char *id = tokeep_token_get(token, TOKEEP_FIELD_ID);

	if (!id || !can_refresh(token))
		return 0;
	if (round->client_id && (!client_id || strcmp(client_id, round->client_id)))
		return 0;
	if (!is_due(round, token)) {
		round->not_due++;
		return 0;
	}
	if (round->count == round->room) {
		size_t room = round->room ? 2 * round->room : 64;
		char **ids = reallocarray(round->ids, room, sizeof(*ids));

		if (!ids)
			return TOKEEP_ENOMEM;
		round->ids = ids;
		round->room = room;
	}
	round->ids[round->count] = strdup(id);
	return round->ids[round->count] ? (round->count++, 0) : TOKEEP_ENOMEM;
}

/* One that has been deleted meanwhile is nobody's failure. */
static void refresh_id(struct round *round, const char *id)
{
	struct tokeep_token *token = tokeep_token_new();
	int r = token ? tokeep_find_token_by_id(round->cmd->tk, id, token) : TOKEEP_ENOMEM;

	if (!r) {
		refresh(round, token);
	} else if (r != TOKEEP_ENOTFOUND) {
		say_failure(round->cmd, round->cmd->tk, r, NULL);
		count_failure(round, r);
	}
	tokeep_token_free(token);
}

static void refresh_all(struct round *round)
{
	struct progress progress;
	int r = tokeep_get_tokens(round->cmd->tk, collect, round);

	if (r) { /* what could be read is refreshed all the same */
		say_failure(round->cmd, round->cmd->tk, r, NULL);
		count_failure(round, r);
	}
	progress_begin(round->cmd, &progress, "tokens seen to");
	for (size_t i = 0; i < round->count; i++) {
		refresh_id(round, round->ids[i]);
		progress_show(&progress, (long long)i + 1);
		free(round->ids[i]);
	}
	progress_end(&progress);
	free(round->ids);
}

static int report(const struct round *round)
{
	struct command *cmd = round->cmd;

	if (!cmd->json && !round->many)
		return round->worst;
	if (!cmd->json) {
		say(cmd, "%lld refreshed, %lld not due, %lld failed", round->refreshed, round->not_due, round->failed);
		return round->worst;
	}
	if (json_put_object((const struct json_item[]){
		    { "refreshed", JSON_NUMBER_ITEM, NULL, round->refreshed },
		    { "not_due", JSON_NUMBER_ITEM, NULL, round->not_due },
		    { "failed", JSON_NUMBER_ITEM, NULL, round->failed },
		    { NULL, JSON_TEXT_ITEM, NULL, 0 } }))
		return say_error(cmd, TOKEEP_ENOMEM, "out of memory");
	putchar('\n');
	return round->worst;
}

static int begin(struct round *round)
{
	struct command *cmd = round->cmd;
	const char *client = cmd->values[OPTION_CLIENT];
	int64_t before_s = -1;
	int r = arguments_seconds(cmd, OPTION_BEFORE, &before_s);

	if (r)
		return r;
	if (cmd->values[OPTION_ALL] && cmd->count)
		return say_error(cmd, TOKEEP_EINVAL, "users and --all: only one of them can be");
	if (client && !*client)
		return say_error(cmd, TOKEEP_EINVAL, "--client: is empty");
	round->many = cmd->values[OPTION_ALL] || cmd->count > 1;
	round->due_ms = before_s < 0 ? -1 : output_now_ms() + before_s * 1000;
	round->client_id = client ? tokeep_client_id(cmd->tk, client) : NULL;
	return 0;
}

int verb_refresh(struct command *cmd)
{
	struct round round = { .cmd = cmd };
	int r = begin(&round);

	if (r)
		return r;
	if (cmd->values[OPTION_ALL])
		refresh_all(&round);
	else if (!cmd->count)
		refresh_user(&round, NULL);
	for (int i = 0; i < cmd->count; i++)
		refresh_user(&round, cmd->operands[i]);
	return report(&round);
}
