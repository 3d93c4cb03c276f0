/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_records.c: tokeep list, show, find, delete, clear: what is in the store. */
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "command_json.h"

static int nomem(struct command *cmd)
{
	return say_error(cmd, TOKEEP_ENOMEM, "out of memory");
}

/*
 * Which token
 */

int records_name(struct command *cmd, const char *user, struct tokeep_token *token)
{
	int r = tokeep_token_set(token, TOKEEP_FIELD_USER_NAME, user);

	return r ? say_error(cmd, r, "the user is longer than %d bytes, or a line break is in it", TOKEEP_VALUE_MAX) : 0;
}

int records_wanted(struct command *cmd, const char *user, struct tokeep_token *token)
{
	const char *id = cmd->values[OPTION_ID], *client = cmd->values[OPTION_CLIENT];
	int r;

	if (user && id)
		return say_error(cmd, TOKEEP_EINVAL, "a user and --id: only one of them can be");
	if ((id && !*id) || (client && !*client))
		return say_error(cmd, TOKEEP_EINVAL, "--%s: is empty", id && !*id ? "id" : "client");
	r = records_name(cmd, user, token);
	if (r)
		return r;
	if (tokeep_token_set(token, TOKEEP_FIELD_ID, id))
		return say_error(cmd, TOKEEP_EINVAL, "--id: too long, or a line break is in it");
	return 0;
}

int records_choose(struct command *cmd, const char *user, struct tokeep_token *token)
{
	int r = records_wanted(cmd, user, token);

	if (r)
		return r;
	r = tokeep_choose_token(cmd->tk, cmd->values[OPTION_CLIENT], token);
	return r ? say_failure(cmd, cmd->tk, r, cmd->values[OPTION_ID]) : 0;
}

/*
 * One record
 */

static void print_time(const struct tokeep_token *token, int field)
{
	int64_t ms = output_time_ms(token, field);
	time_t s = (time_t)(ms / 1000);
	char relative[OUTPUT_RELATIVE_MAX], date[32];
	struct tm utc;

	if (ms < 0 || !gmtime_r(&s, &utc) || !strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &utc))
		return;
	output_relative(relative, ms, output_now_ms());
	printf(" (%s, %s)", date, relative);
}

static void print_record(const struct tokeep_token *token, bool reveal)
{
	const char *name, *value;

	for (int f = 0; (name = tokeep_field_name(f)); f++) {
		value = tokeep_token_get(token, f);
		if (!value)
			continue;
		output_column(name, 14);
		output_value(!reveal && tokeep_field_secret(f) ? JSON_HIDDEN : value);
		if (f == TOKEEP_FIELD_EXPIRY_TIME || f == TOKEEP_FIELD_ISSUED_TIME || f == TOKEEP_FIELD_REFRESHED_TIME)
			print_time(token, f);
		putchar('\n');
	}
}

static int print_one(struct command *cmd, const struct tokeep_token *token)
{
	bool reveal = cmd->values[OPTION_REVEAL];

	if (!cmd->json) {
		print_record(token, reveal);
		return 0;
	}
	if (json_put_record(stdout, token, reveal))
		return nomem(cmd);
	putchar('\n');
	return 0;
}

int verb_show(struct command *cmd)
{
	struct tokeep_token *token = tokeep_token_new();
	int r;

	if (!token)
		return nomem(cmd);
	r = records_choose(cmd, arguments_operand(cmd, 0), token);
	if (!r)
		r = print_one(cmd, token);
	tokeep_token_free(token);
	return r;
}

static const struct {
	enum option_id id;
	int field;
	const char *what;
} selectors[] = {
	{ OPTION_ACCESS_TOKEN,  TOKEEP_FIELD_ACCESS_TOKEN,  "access token" },
	{ OPTION_REFRESH_TOKEN, TOKEEP_FIELD_REFRESH_TOKEN, "refresh token" },
	{ OPTION_GRANT_TOKEN,   TOKEEP_FIELD_GRANT_TOKEN,   "grant token" },
};
enum { SELECTORS = sizeof(selectors) / sizeof(selectors[0]) };

static int read_selector(struct command *cmd, int n, struct tokeep_token *token)
{
	char *secret = NULL;
	int r;

	if (!cmd->values[selectors[n].id])
		return 0;
	r = secret_read(cmd, selectors[n].what, &secret);
	if (!r && tokeep_token_set(token, selectors[n].field, secret))
		r = nomem(cmd);
	secret_drop(secret);
	return r;
}

/* An empty selector is an absent one, here as in the library. */
static bool selects(const struct tokeep_token *token)
{
	for (int i = 0; i < SELECTORS; i++)
		if (tokeep_token_get(token, selectors[i].field))
			return true;
	return tokeep_token_get(token, TOKEEP_FIELD_USER_NAME);
}

static int find(struct command *cmd, struct tokeep_token *token)
{
	int r = 0;

	for (int i = 0; !r && i < SELECTORS; i++)
		r = read_selector(cmd, i, token);
	if (r)
		return r;
	r = records_name(cmd, cmd->values[OPTION_USER], token);
	if (r)
		return r;
	if (!selects(token))
		return say_error(cmd, TOKEEP_EINVAL, "nothing to find by; run: tokeep find --user USER, or tokeep help find");
	r = tokeep_choose_token(cmd->tk, cmd->values[OPTION_CLIENT], token);
	if (r)
		return say_failure(cmd, cmd->tk, r, NULL);
	return print_one(cmd, token);
}

int verb_find(struct command *cmd)
{
	struct tokeep_token *token = tokeep_token_new();
	int r = token ? find(cmd, token) : nomem(cmd);

	tokeep_token_free(token);
	return r;
}

/*
 * All of them. The columns have fixed widths, since the records are printed as they come.
 */

enum { STOPPED = 1 };

struct listing {
	struct command *cmd;
	int64_t now_ms;
	long long count;
};

static const char *state_of(const struct tokeep_token *token, int64_t now_ms)
{
	const char *status = tokeep_token_get(token, TOKEEP_FIELD_STATUS);
	bool refreshable = tokeep_token_get(token, TOKEEP_FIELD_REFRESH_TOKEN);
	int64_t expiry_ms = output_time_ms(token, TOKEEP_FIELD_EXPIRY_TIME);

	if (status && strcmp(status, "ok"))
		return status;
	if (!tokeep_token_get(token, TOKEEP_FIELD_ACCESS_TOKEN))
		return refreshable ? "to be refreshed" : "to be exchanged";
	if (expiry_ms < 0 || expiry_ms > now_ms)
		return "valid";
	return refreshable ? "to be refreshed" : "expired";
}

static const char *or_dash(const char *value)
{
	return value ? value : "-";
}

static void print_row(const struct listing *listing, const struct tokeep_token *token)
{
	int64_t expiry_ms = output_time_ms(token, TOKEEP_FIELD_EXPIRY_TIME);
	char relative[OUTPUT_RELATIVE_MAX] = "-";

	if (expiry_ms >= 0)
		output_relative(relative, expiry_ms, listing->now_ms);
	output_column(or_dash(tokeep_token_get(token, TOKEEP_FIELD_ID)), 4);
	output_column(or_dash(tokeep_token_get(token, TOKEEP_FIELD_USER_NAME)), 30);
	output_column(or_dash(tokeep_token_get(token, TOKEEP_FIELD_CLIENT_ID)), 20);
	output_column(relative, 12);
	output_value(state_of(token, listing->now_ms));
	putchar('\n');
}

static void print_title(void)
{
	output_column("ID", 4);
	output_column("USER", 30);
	output_column("CLIENT", 20);
	output_column("EXPIRES", 12);
	puts("STATUS");
}

static int list_row(void *data, const struct tokeep_token *token)
{
	struct listing *listing = data;

	if (!listing->count++)
		print_title();
	print_row(listing, token);
	return output_failed() ? STOPPED : 0;
}

static int list_json(void *data, const struct tokeep_token *token)
{
	struct listing *listing = data;
	int r;

	fputs(listing->count++ ? ",\n" : "\n", stdout);
	r = json_put_record(stdout, token, listing->cmd->values[OPTION_REVEAL]);
	return r ? r : output_failed() ? STOPPED : 0;
}

/* The full records, one below the other. */
static int list_revealed(void *data, const struct tokeep_token *token)
{
	struct listing *listing = data;

	if (listing->count++)
		putchar('\n');
	print_record(token, true);
	return output_failed() ? STOPPED : 0;
}

/* The array is closed whatever happens, so that what was printed can be read. */
int verb_list(struct command *cmd)
{
	struct listing listing = { .cmd = cmd, .now_ms = output_now_ms() };
	bool reveal = cmd->values[OPTION_REVEAL];
	int r;

	if (cmd->json)
		putchar('[');
	r = tokeep_get_tokens(cmd->tk, cmd->json ? list_json : reveal ? list_revealed : list_row, &listing);
	if (cmd->json)
		puts(listing.count ? "\n]" : "]");
	if (r < 0)
		return say_failure(cmd, cmd->tk, r, NULL);
	if (!r && !listing.count)
		say(cmd, "no tokens in the store; run: tokeep help login");
	return 0;
}

/*
 * Away with them
 */

int verb_delete(struct command *cmd)
{
	const char *id = arguments_operand(cmd, 0);
	int r = tokeep_delete_token(cmd->tk, id);

	/* In our words: an answer, which reads the same over every store. */
	if (r == TOKEEP_ENOTFOUND)
		return say_error(cmd, r, "%s: no token has this id; run: tokeep list", id);
	if (r)
		return say_failure(cmd, cmd->tk, r, id);
	if (!cmd->json) {
		say(cmd, "deleted token %s", id);
		return 0;
	}
	if (json_put_object(
		    (const struct json_item[]){ { "deleted", JSON_TEXT_ITEM, id, 0 }, { NULL, JSON_TEXT_ITEM, NULL, 0 } }))
		return nomem(cmd);
	putchar('\n');
	return 0;
}

int verb_clear(struct command *cmd)
{
	int r;

	if (!cmd->values[OPTION_YES])
		return say_error(cmd, TOKEEP_EINVAL, "this deletes every token of the store; run: tokeep clear --yes");
	r = tokeep_delete_tokens(cmd->tk);
	if (r)
		return say_failure(cmd, cmd->tk, r, NULL);
	if (cmd->json)
		puts("{\"deleted\":\"all\"}");
	else
		say(cmd, "deleted every token of the store");
	return 0;
}
