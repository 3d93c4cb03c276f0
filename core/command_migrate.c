/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * command_migrate.c: tokeep migrate: every token of one configured store into another. Each is read back and compared;
 * the first store stays as it is, so that a second run finishes what was broken off.
 */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command_batch.h"
#include "command_json.h"

enum {
	TOLD = 1,             /* ends the listing: what is wrong has been said */
	SHARED_FIELDS = TOKEEP_FIELD_API_DOMAIN + 1, /* the columns that every table has */
};

struct migration {
	struct batch batch; /* first: saved_one() gets it */
	struct command *cmd;
	struct tokeep *from;
	const char *from_name, *to_name;
	bool to_empty, to_narrow;
	long long seen, newer;
	int result; /* behind TOLD */
	struct progress progress;
};

/*
 * Read back and compared
 */

/* A table made by an SDK has no room for our own fields; whatever else differs is a failure. */
static const char *difference(struct migration *m, const struct tokeep_token *token, const struct tokeep_token *there)
{
	for (int f = 0; tokeep_field_name(f); f++) {
		const char *wanted = tokeep_token_get(token, f), *got = tokeep_token_get(there, f);

		if (!wanted || (got && !strcmp(wanted, got)))
			continue;
		if (f < SHARED_FIELDS || got)
			return tokeep_field_name(f);
		m->to_narrow = true;
	}
	return NULL;
}

static int compare(struct batch *batch, const struct tokeep_token *token)
{
	struct migration *m = (struct migration *)batch;
	const char *id = tokeep_token_get(token, TOKEEP_FIELD_ID), *field = NULL;
	struct tokeep_token *there = tokeep_token_new();
	int r = there ? tokeep_find_token_by_id(batch->to, id, there) : TOKEEP_ENOMEM;

	if (r) {
		say_failure(m->cmd, batch->to, r, "reading back");
	} else {
		field = difference(m, token, there);
		if (field)
			r = say_error(m->cmd, TOKEEP_ESTORE, "%s: token %s: %s is not what was saved; %s is as it was", m->to_name,
				      id, field, m->from_name);
	}
	tokeep_token_free(there);
	return r;
}

/*
 * What is there already
 */

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_account(const struct tokeep_token *a, const struct tokeep_token *b)
{
	return same(tokeep_token_get(a, TOKEEP_FIELD_USER_NAME), tokeep_token_get(b, TOKEEP_FIELD_USER_NAME)) &&
	       same(tokeep_token_get(a, TOKEEP_FIELD_CLIENT_ID), tokeep_token_get(b, TOKEEP_FIELD_CLIENT_ID));
}

/* TOKEEP_ENOTFOUND is an answer, told to nobody. */
static int look_up(struct migration *m, const char *id, struct tokeep_token *there)
{
	int r = tokeep_find_token_by_id(m->batch.to, id, there);

	return r && r != TOKEEP_ENOTFOUND ? say_failure(m->cmd, m->batch.to, r, NULL) : r;
}

/* 1: the other store has refreshed this account later; the older record must not replace its tokens. */
static int is_newer_there(struct migration *m, const struct tokeep_token *token)
{
	const char *id = tokeep_token_get(token, TOKEEP_FIELD_ID);
	struct tokeep_token *there = m->to_empty ? NULL : tokeep_token_new();
	int r;

	if (m->to_empty)
		return 0;
	r = there ? look_up(m, id, there) : say_error(m->cmd, TOKEEP_ENOMEM, "out of memory");
	if (!r)
		r = same_account(token, there) && output_time_ms(there, TOKEEP_FIELD_REFRESHED_TIME) >
							  output_time_ms(token, TOKEEP_FIELD_REFRESHED_TIME);
	tokeep_token_free(there);
	return r == TOKEEP_ENOTFOUND ? 0 : r;
}

static int keep_newer(struct migration *m, const struct tokeep_token *token)
{
	m->newer++;
	say_warning(m->cmd, "token %s: newer in %s, left as it is there", tokeep_token_get(token, TOKEEP_FIELD_ID),
		    m->to_name);
	return 0;
}

/*
 * From here to there
 */

/* A record that has waited for its new id. */
static int fetch(struct batch *batch, const char *id, struct tokeep_token *token)
{
	struct migration *m = (struct migration *)batch;
	int r = tokeep_find_token_by_id(m->from, id, token);

	return r ? say_failure(m->cmd, m->from, r, id) : 0;
}

static int stop(struct migration *m, int result)
{
	m->result = result;
	return TOLD;
}

static int copy_one(void *data, const struct tokeep_token *token)
{
	struct migration *m = data;
	struct tokeep_token *copy;
	int r = is_newer_there(m, token);

	if (r < 0)
		return stop(m, r);
	progress_show(&m->progress, ++m->seen);
	if (r)
		return keep_newer(m, token);
	copy = batch_copy_token(token);
	if (!copy)
		return stop(m, say_error(m->cmd, TOKEEP_ENOMEM, "out of memory"));
	r = batch_add(&m->batch, copy, m->seen);
	return r ? stop(m, r) : 0;
}

/* What the real run would do, without a change. */
static int count_one(void *data, const struct tokeep_token *token)
{
	struct migration *m = data;
	struct tokeep_token *there = tokeep_token_new();
	int r = there ? look_up(m, tokeep_token_get(token, TOKEEP_FIELD_ID), there)
		      : say_error(m->cmd, TOKEEP_ENOMEM, "out of memory");

	progress_show(&m->progress, ++m->seen);
	if (!r && !same_account(token, there))
		m->batch.new_ids++;
	else if (!r && is_newer_there(m, token) > 0)
		m->newer++;
	tokeep_token_free(there);
	return r && r != TOKEEP_ENOTFOUND ? stop(m, r) : 0;
}

static int any(void *data, const struct tokeep_token *token)
{
	return TOLD;
}

static int run(struct migration *m)
{
	bool dry = m->cmd->values[OPTION_DRY_RUN];
	int r = tokeep_get_tokens(m->batch.to, any, NULL);

	if (r < 0)
		return say_failure(m->cmd, m->batch.to, r, NULL);
	if (tokeep_scope(m->batch.to) == TOKEEP_SCOPE_PROCESS)
		return say_error(m->cmd, TOKEEP_EINVAL, "%s: its tokens end with this process, nothing would be left of them",
				 m->to_name);
	m->to_empty = r == 0;
	progress_begin(m->cmd, &m->progress, dry ? "tokens looked at" : "tokens copied");
	r = tokeep_get_tokens(m->from, dry ? count_one : copy_one, m);
	progress_end(&m->progress);
	if (r == TOLD)
		return m->result;
	m->result = batch_finish(&m->batch); /* sound rows before a spoiled one are worth having, too */
	if (r)
		return say_failure(m->cmd, m->from, r, NULL);
	return m->result;
}

/*
 * What it came to
 */

static int report_json(struct migration *m, const char *line)
{
	bool dry = m->cmd->values[OPTION_DRY_RUN];

	if (json_put_object((const struct json_item[]){
		    { "dry_run", JSON_TRUTH_ITEM, NULL, dry },
		    { "seen", JSON_NUMBER_ITEM, NULL, m->seen },
		    { "copied", JSON_NUMBER_ITEM, NULL, m->batch.saved },
		    { "new_ids", JSON_NUMBER_ITEM, NULL, m->batch.new_ids },
		    { "newer", JSON_NUMBER_ITEM, NULL, m->newer },
		    { "config", JSON_TEXT_ITEM, line, 0 },
		    { NULL, JSON_TEXT_ITEM, NULL, 0 } }))
		return say_error(m->cmd, TOKEEP_ENOMEM, "out of memory");
	putchar('\n');
	return 0;
}

static int report(struct migration *m)
{
	char line[4200];

	snprintf(line, sizeof(line), "store = \"%s\";", m->to_name);
	if (m->to_narrow)
		say_warning(m->cmd, "%s has no columns for scope, issuer and the like: those were not copied", m->to_name);
	if (m->cmd->json)
		return report_json(m, line);
	if (m->cmd->values[OPTION_DRY_RUN]) {
		say(m->cmd, "nothing was copied; tokens to copy: %lld, of these under a new id: %lld, newer in %s: %lld", m->seen,
		    m->batch.new_ids, m->to_name, m->newer);
		return 0;
	}
	say(m->cmd, "tokens copied and compared: %lld, of these under a new id: %lld; to use them, change this line of the config:",
	    m->batch.saved, m->batch.new_ids);
	printf("%s\n", line);
	return 0;
}

static int open_store(struct migration *m, struct tokeep **tk, const char *name)
{
	int r = say_open(m->cmd, tk);

	if (r)
		return r;
	r = tokeep_use_store(*tk, name);
	return r ? say_failure(m->cmd, *tk, r, NULL) : 0;
}

static int migrate(struct migration *m)
{
	char source[4200];
	int r;

	if (!strcmp(m->from_name, m->to_name))
		return say_error(m->cmd, TOKEEP_EINVAL, "from %s to itself: nothing to do", m->from_name);
	r = open_store(m, &m->from, m->from_name);
	if (!r)
		r = open_store(m, &m->batch.to, m->to_name);
	if (r)
		return r;
	snprintf(source, sizeof(source), "%s: record", m->from_name);
	m->batch.source = source;
	r = run(m);
	if (!r)
		return report(m);
	if (m->batch.saved)
		say(m->cmd, "tokens copied: %lld; %s is as it was, the same command again goes on", m->batch.saved,
		    m->from_name);
	return r;
}

int verb_migrate(struct command *cmd)
{
	struct migration *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return say_error(cmd, TOKEEP_ENOMEM, "out of memory");
	m->cmd = m->batch.cmd = cmd;
	m->batch.fetch = fetch;
	m->batch.saved_one = compare;
	m->from_name = arguments_operand(cmd, 0);
	m->to_name = arguments_operand(cmd, 1);
	r = migrate(m);
	tokeep_free(m->from);
	tokeep_free(m->batch.to);
	batch_free(&m->batch); /* and with it what is around it */
	return r;
}
