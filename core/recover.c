/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* recover.c: brings home what an earlier run left in the journal, and forgets what is deleted. */
#include <stdlib.h>
#include <string.h>

#include "expiry.h"
#include "flow.h"
#include "secret.h"
#include "statedir.h"

/* The store did not take it this time either. */
static int still_unsaved(const struct flow *flow, const struct journal *journal, struct tokeep_token *row)
{
	char *why = strdup(error_text(flow->err));
	int r;

	if (!expiry_alive(&journal->record, expiry_now_ms())) {
		error_add(flow->err, "; a refresh token that was not stored is in the journal");
		r = flow->err->result;
	} else {
		r = token_copy(row, &journal->record);
		if (!r)
			r = error_set(flow->err, TOKEEP_EUNSAVED,
				      "%s: the token is the journal's: the store does not take it; run: tokeep check",
				      why ? why : "the store failed");
	}
	free(why);
	return r;
}

/* Where refresh tokens stay the same, only the time tells that another host has got a newer answer since. */
static bool older(const struct tokeep_token *answer, const struct tokeep_token *row)
{
	int64_t answer_ms = token_time_ms(answer, TOKEEP_FIELD_EXPIRY_TIME);

	return secret_equal(answer->value[TOKEEP_FIELD_REFRESH_TOKEN], row->value[TOKEEP_FIELD_REFRESH_TOKEN]) &&
	       answer_ms >= 0 && answer_ms < token_time_ms(row, TOKEEP_FIELD_EXPIRY_TIME);
}

int recover_answer(const struct flow *flow, struct journal *journal, struct tokeep_token *row)
{
	const char *old = row->value[TOKEEP_FIELD_REFRESH_TOKEN];
	char hex[TRANSPORT_DIGEST_SIZE];
	int r = flow_digest(flow, old, hex);

	if (r)
		return r;
	if (strcmp(hex, journal->digest) || older(&journal->record, row)) {
		if (!secret_equal(old, journal->record.value[TOKEEP_FIELD_REFRESH_TOKEN]))
			log_say(flow->log, TOKEEP_LOG_NOTICE,
				"%s: an answer that was left in the journal is older than what the store has: dropped",
				token_who(row));
		journal_drop(journal);
		return 0;
	}
	r = backend_swap(flow->be, &journal->record, old);
	if (r == TOKEEP_ENOTFOUND)
		return backend_find_by_id(flow->be, journal->record.value[TOKEEP_FIELD_ID], row);
	if (r)
		return still_unsaved(flow, journal, row);
	log_say(flow->log, TOKEEP_LOG_NOTICE, "%s: a token that an earlier run left in the journal is stored now",
		token_who(row));
	journal_drop(journal);
	return backend_find_by_id(flow->be, row->value[TOKEEP_FIELD_ID], row);
}

/* Did the same user log in again since? */
static bool outdated(const struct flow *flow, const struct journal *journal)
{
	struct tokeep_token row = { { NULL } };
	bool yes = !token_copy(&row, &journal->record) && !backend_find(flow->be, &row) &&
		   token_time_ms(&row, TOKEEP_FIELD_ISSUED_TIME) >
			   token_time_ms(&journal->record, TOKEEP_FIELD_ISSUED_TIME);

	token_clear(&row);
	return yes;
}

/* The run died before it knew whose the token is: then the client's name stands for the user, as in login.c. */
static int name_user(const struct flow *flow, struct tokeep_token *record)
{
	struct client *client = NULL;
	int r;

	if (record->value[TOKEEP_FIELD_USER_NAME])
		return 0;
	r = client_for_token(flow->conf, record, &client, flow->err);
	if (!r && tokeep_token_set(record, TOKEEP_FIELD_USER_NAME, client->name))
		r = error_nomem(flow->err);
	client_free(client);
	return r;
}

/* A login has no row yet. */
static int store_login(const struct flow *flow, struct journal *journal)
{
	int r = name_user(flow, &journal->record);
	bool old = !r && outdated(flow, journal);

	if (!r && !old)
		r = backend_save(flow->be, &journal->record);
	if (r)
		return r;
	if (old) {
		log_say(flow->log, TOKEEP_LOG_NOTICE, "%s: a login that was left in the journal is older than the "
			"one that the store has: dropped", token_who(&journal->record));
		journal_drop(journal);
		return 0;
	}
	log_say(flow->log, TOKEEP_LOG_NOTICE, "%s: a login that an earlier run left in the journal is stored now",
		token_who(&journal->record));
	journal_drop(journal);
	return 0;
}

static int store_refresh(const struct flow *flow, struct journal *journal)
{
	struct tokeep_token row = { { NULL } };
	int r = backend_find_by_id(flow->be, journal->record.value[TOKEEP_FIELD_ID], &row);

	if (!r)
		r = recover_answer(flow, journal, &row);
	token_clear(&row);
	return r;
}

struct pending {
	const struct flow *flow;
	char *ids[16]; /* more are left to the next run */
	int count;
	bool logins;
};

static int note_pending(void *data, struct journal *journal)
{
	struct pending *p = data;
	const char *id = journal->record.value[TOKEEP_FIELD_ID];

	if (!journal->answered || journal->identity != backend_identity(p->flow->be))
		return 0;
	if (!id && store_login(p->flow, journal))
		log_say(p->flow->log, TOKEEP_LOG_WARNING, "%s; a login that was not stored is in the journal",
			error_text(p->flow->err));
	else if (id && p->count < (int)(sizeof(p->ids) / sizeof(*p->ids)))
		p->ids[p->count++] = strdup(id);
	return 0;
}

/* First the lease, then the entry: the order of whoever refreshes it. Held by somebody: theirs to bring home, unless the
 * store can swap: then it needs no lease, which may be that of the very run that left the entry when the store went
 * down and took the lease with it. */
static void store_pending(const struct flow *flow, const char *id)
{
	struct tokeep_token wanted = { .value = { [TOKEEP_FIELD_ID] = (char *)id } };
	struct journal journal = { .fd = -1 };
	struct lease lease;
	bool leased = !lease_take(&lease, flow->be, id, 0, flow->conf->lock_timeout_s * 1000, flow->err);

	if (!leased && !flow->be->plugin.ops.swap_token)
		return;
	if (!journal_open(&journal, flow->be, &wanted, flow->err) && journal.answered && store_refresh(flow, &journal))
		log_say(flow->log, TOKEEP_LOG_WARNING, "token %s: an answer in the journal is not stored: %s", id,
			error_text(flow->err));
	journal_close(&journal);
	if (leased)
		lease_release(&lease, flow->err);
}

void recover_all(const struct flow *flow)
{
	struct pending pending = { .flow = flow };

	journal_each(flow->conf, note_pending, &pending, flow->err);
	for (int i = 0; i < pending.count; i++) {
		if (pending.ids[i])
			store_pending(flow, pending.ids[i]);
		free(pending.ids[i]);
	}
	error_clear(flow->err);
}

/*
 * A store that can't be read
 */

struct wanted {
	const struct flow *flow;
	struct tokeep_token *token;
	bool found;
};

static int take_if_wanted(void *data, struct journal *journal)
{
	struct wanted *w = data;
	const char *id = w->token->value[TOKEEP_FIELD_ID];
	bool fits = id ? journal->record.value[TOKEEP_FIELD_ID] && !strcmp(journal->record.value[TOKEEP_FIELD_ID], id) :
			 tokeep_token_matches(&journal->record, w->token) == 1;

	if (!fits || !journal->answered || journal->identity != backend_identity(w->flow->be) ||
	    !expiry_alive(&journal->record, expiry_now_ms()) || token_copy(w->token, &journal->record))
		return 0;
	w->found = true;
	return 1;
}

int recover_unread(const struct flow *flow, struct tokeep_token *token, int r)
{
	struct wanted wanted = { .flow = flow, .token = token };
	struct error said = { .retry_after_s = -1 };

	error_move(&said, flow->err);
	journal_each(flow->conf, take_if_wanted, &wanted, flow->err);
	if (!wanted.found) {
		error_move(flow->err, &said);
		return r;
	}
	error_set(flow->err, TOKEEP_EUNSAVED, "%s: the token is the journal's; run: tokeep check", error_text(&said));
	error_clear(&said);
	return TOKEEP_EUNSAVED;
}

/*
 * Forgetting
 */

struct deleted {
	const struct flow *flow;
	const char *id; /* NULL: all */
};

static int drop_if_deleted(void *data, struct journal *journal)
{
	const struct deleted *d = data;
	const char *id = journal->record.value[TOKEEP_FIELD_ID];

	if (journal->identity == backend_identity(d->flow->be) && (!d->id || (id && !strcmp(id, d->id))))
		journal_drop(journal);
	return 0;
}

void recover_forget(const struct flow *flow, const char *id)
{
	struct deleted deleted = { flow, id };
	struct error ignored = { .retry_after_s = -1 };

	journal_each(flow->conf, drop_if_deleted, &deleted, &ignored);
	error_clear(&ignored);
	if (id)
		pause_remove(flow->be, id);
}
