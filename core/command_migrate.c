/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * command_migrate.c: tokeep migrate: every token of one configured store into another, and then compared. What is
 * there already is read first, then the tokens are copied, then the other store is read again: each store is
 * streamed, none is searched. The first store stays as it is, so that a second run finishes what was broken off.
 */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command_batch.h"
#include "command_index.h"
#include "command_json.h"

enum { TOLD = 1 }; /* ends a listing: what is wrong has been said, m->result is it */

#define BIT(field) (1u << (field))
#define ACCOUNT (BIT(TOKEEP_FIELD_USER_NAME) | BIT(TOKEEP_FIELD_CLIENT_ID))
/* The columns that every table has. */
#define SHARED (BIT(TOKEEP_FIELD_API_DOMAIN + 1) - 1)

struct migration {
	struct batch batch; /* first: its calls get it */
	struct command *cmd;
	struct tokeep *from;
	const char *from_name, *to_name;
	struct index there;  /* what the other store held before */
	struct index copied; /* what it is to hold now */
	bool narrow;         /* it has no columns for our own fields */
	long long seen, newer; /* of the first store's tokens */
	int result;
	struct progress progress;
	long long steps;       /* of the walk under way */
};

static int stop(struct migration *m, int result)
{
	m->result = result;
	return TOLD;
}

static int nomem(struct migration *m)
{
	return say_error(m->cmd, TOKEEP_ENOMEM, "out of memory");
}

/* Through all tokens of a store; what fails has been told. */
static int walk(struct migration *m, struct tokeep *tk, const char *what,
		int (*each)(void *, const struct tokeep_token *))
{
	int r;

	progress_begin(m->cmd, &m->progress, what);
	m->steps = 0;
	r = tokeep_get_tokens(tk, each, m);
	progress_end(&m->progress);
	if (r == TOLD)
		return m->result;
	return r ? say_failure(m->cmd, tk, r, NULL) : 0;
}

/*
 * What is there already
 */

static int note_there(void *data, const struct tokeep_token *token)
{
	struct migration *m = data;
	struct index_entry *entry = index_make(&m->there, token);

	if (!entry)
		return stop(m, nomem(m));
	entry->account = index_hash(token, ACCOUNT);
	entry->refreshed_ms = output_time_ms(token, TOKEEP_FIELD_REFRESHED_TIME);
	progress_show(&m->progress, ++m->steps);
	return 0;
}

/* The other store has refreshed this account later; the older record must not replace its tokens. */
static bool is_newer_there(struct migration *m, const struct tokeep_token *token)
{
	const struct index_entry *entry = index_find(&m->there, token);

	return entry && entry->account == index_hash(token, ACCOUNT) &&
	       entry->refreshed_ms > output_time_ms(token, TOKEEP_FIELD_REFRESHED_TIME);
}

static bool is_taken_there(struct migration *m, const struct tokeep_token *token)
{
	const struct index_entry *entry = index_find(&m->there, token);

	return entry && entry->account != index_hash(token, ACCOUNT);
}

/* What the real run would do, without a change. */
static int count_one(void *data, const struct tokeep_token *token)
{
	struct migration *m = data;

	m->seen++;
	progress_show(&m->progress, ++m->steps);
	m->batch.new_ids += is_taken_there(m, token);
	m->newer += is_newer_there(m, token);
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

static int note_copied(struct batch *batch, const struct tokeep_token *token)
{
	struct migration *m = (struct migration *)batch;
	struct index_entry *entry = index_make(&m->copied, token);

	if (!entry)
		return nomem(m);
	entry->fields = index_fields(token);
	entry->shared = index_hash(token, entry->fields & SHARED);
	entry->own = index_hash(token, entry->fields & ~SHARED);
	return 0;
}

static int copy_one(void *data, const struct tokeep_token *token)
{
	struct migration *m = data;
	struct tokeep_token *copy;
	int r;

	m->seen++;
	progress_show(&m->progress, ++m->steps);
	if (is_newer_there(m, token)) {
		m->newer++;
		say_warning(m->cmd, "token %s: newer in %s, left as it is there",
			    tokeep_token_get(token, TOKEEP_FIELD_ID), m->to_name);
		return 0;
	}
	copy = batch_copy_token(token);
	if (!copy)
		return stop(m, nomem(m));
	r = batch_add(&m->batch, copy, m->seen);
	return r ? stop(m, r) : 0;
}

/*
 * Read back and compared
 */

/* A table made by an SDK has no room for our own fields; then none of them is there. */
static bool is_as_copied(struct migration *m, const struct index_entry *entry, const struct tokeep_token *token)
{
	if (entry->shared != index_hash(token, entry->fields & SHARED))
		return false;
	if (entry->own == index_hash(token, entry->fields & ~SHARED))
		return true;
	if (index_fields(token) & ~SHARED)
		return false;
	return m->narrow = true;
}

static int compare_one(void *data, const struct tokeep_token *token)
{
	struct migration *m = data;
	struct index_entry *entry = index_find(&m->copied, token);

	progress_show(&m->progress, ++m->steps);
	if (!entry)
		return 0;
	entry->met = true;
	if (is_as_copied(m, entry, token))
		return 0;
	return stop(m, say_error(m->cmd, TOKEEP_ESTORE, "%s: token %s is not what was saved", m->to_name,
				 tokeep_token_get(token, TOKEEP_FIELD_ID)));
}

static int compare(struct migration *m)
{
	long long missing = 0;
	int r = walk(m, m->batch.to, "tokens compared", compare_one);

	if (r)
		return r;
	for (size_t n = 0; n < m->copied.room; n++)
		missing += m->copied.entries[n].id && !m->copied.entries[n].met;
	if (missing)
		return say_error(m->cmd, TOKEEP_ESTORE, "%s: of the tokens saved, %lld are not there", m->to_name, missing);
	return 0;
}

static int copy(struct migration *m)
{
	/* Sound rows are worth having also where others could not be read. */
	int r = walk(m, m->from, "tokens copied", copy_one);
	int finished = m->result ? 0 : batch_finish(&m->batch);
	int compared = m->result || finished ? 0 : compare(m);

	return r ? r : finished ? finished : compared;
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
	if (m->narrow)
		say_warning(m->cmd, "%s has no columns for scope, issuer and the like: those were not copied", m->to_name);
	if (m->cmd->json)
		return report_json(m, line);
	if (m->cmd->values[OPTION_DRY_RUN]) {
		say(m->cmd, "nothing was copied; tokens to copy: %lld, of these under a new id: %lld; newer in %s: %lld",
		    m->seen - m->newer, m->batch.new_ids, m->to_name, m->newer);
		return 0;
	}
	say(m->cmd, "tokens copied and compared: %lld, of these under a new id: %lld; newer in %s: %lld", m->batch.saved,
	    m->batch.new_ids, m->to_name, m->newer);
	say(m->cmd, "to use them, change this line of the config:");
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

static int run(struct migration *m)
{
	int r = walk(m, m->batch.to, "tokens looked at", note_there);

	if (r)
		return r;
	if (tokeep_scope(m->batch.to) == TOKEEP_SCOPE_PROCESS)
		return say_error(m->cmd, TOKEEP_EINVAL, "%s: its tokens end with this process, nothing would be left of them",
				 m->to_name);
	r = m->cmd->values[OPTION_DRY_RUN] ? walk(m, m->from, "tokens counted", count_one) : copy(m);
	if (!r)
		return report(m);
	if (m->batch.saved)
		say(m->cmd, "tokens copied: %lld; %s is as it was, the same command again goes on", m->batch.saved,
		    m->from_name);
	return r;
}

static int migrate(struct migration *m)
{
	char source[4200];
	int r;

	if (!strcmp(m->from_name, m->to_name))
		return say_error(m->cmd, TOKEEP_EINVAL, "from %s to itself: nothing to do", m->from_name);
	snprintf(source, sizeof(source), "%s: record", m->from_name);
	m->batch.source = source;
	r = open_store(m, &m->from, m->from_name);
	if (!r)
		r = open_store(m, &m->batch.to, m->to_name);
	return r ? r : run(m);
}

int verb_migrate(struct command *cmd)
{
	struct migration *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return say_error(cmd, TOKEEP_ENOMEM, "out of memory");
	m->cmd = m->batch.cmd = cmd;
	m->batch.fetch = fetch;
	m->batch.saved_one = note_copied;
	m->from_name = arguments_operand(cmd, 0);
	m->to_name = arguments_operand(cmd, 1);
	r = migrate(m);
	tokeep_free(m->from);
	tokeep_free(m->batch.to);
	index_free(&m->there);
	index_free(&m->copied);
	batch_free(&m->batch); /* and with it what is around it */
	return r;
}
