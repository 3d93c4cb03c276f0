/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * refresh.c: one refresh for everybody: take the lease, read again, prove that the answer can be saved, note, ask
 * once, note the answer, save it by comparing.
 */
#include "refresh.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expiry.h"
#include "secret.h"

bool refresh_by_credentials(const struct tokeep_token *row)
{
	const char *type = tokeep_token_get(row, TOKEEP_FIELD_GRANT_TYPE);

	return type && !strcmp(type, "client_credentials");
}

static int ask_refresh(const struct exchange *e, const struct oauth_net *net, struct oauth_result *result)
{
	if (refresh_by_credentials(e->row))
		return oauth_client_credentials(e->client, net, tokeep_token_get(e->row, TOKEEP_FIELD_SCOPE), result,
						e->flow->err);
	return oauth_refresh(e->client, net, e->secret, NULL, result, e->flow->err);
}

static int swap(const struct flow *flow, struct tokeep_token *record, const char *old)
{
	return backend_swap(flow->be, record, old);
}

/* The provider says that the grant is dead. Nothing is deleted: the record says so from now on. */
static int mark_refused(struct refresh *x, struct exchange *e)
{
	const char *old = tokeep_token_get(x->row, TOKEEP_FIELD_REFRESH_TOKEN);
	const char *id = tokeep_token_get(x->row, TOKEEP_FIELD_ID);
	const char *reason = e->result.error ? e->result.error : "invalid_grant";
	bool lost_before = x->pause.count > 0 && !strcmp(x->pause.digest, e->digest);
	struct tokeep_token mark = { { NULL } };
	struct error said = { .retry_after_s = -1 };

	error_move(&said, x->flow->err);
	if (!tokeep_token_set(&mark, TOKEEP_FIELD_ID, id) && !tokeep_token_set(&mark, TOKEEP_FIELD_REFRESH_TOKEN, old) &&
	    !tokeep_token_set(&mark, TOKEEP_FIELD_STATUS, reason) && backend_swap(x->flow->be, &mark, old))
		log_say(x->flow->log, TOKEEP_LOG_WARNING, "%s", error_text(x->flow->err));
	token_clear(&mark);

	pause_failed(&x->pause, TOKEEP_ELOGIN, reason, 0, expiry_now_ms());
	x->pause.length_ms = -1;
	snprintf(x->pause.digest, sizeof(x->pause.digest), "%s", e->digest);
	pause_write(x->flow->be, id, &x->pause);

	error_set(x->flow->err, TOKEEP_ELOGIN, "%s: %s%s", token_who(x->row), error_text(&said),
		  lost_before || e->journal.sends > 1 ?
			  "; the answer to an earlier request was lost on its way, which may have spent the "
			  "refresh token" :
			  "");
	error_clear(&said);
	return flow_must_login(x->flow, x->row, TOKEEP_ELOGIN);
}

static bool same_grant(const struct tokeep_token *a, const struct tokeep_token *b)
{
	return secret_equal(tokeep_token_get(a, TOKEEP_FIELD_REFRESH_TOKEN),
			    tokeep_token_get(b, TOKEEP_FIELD_REFRESH_TOKEN));
}

static bool same_access(const struct tokeep_token *a, const struct tokeep_token *b)
{
	return secret_equal(tokeep_token_get(a, TOKEEP_FIELD_ACCESS_TOKEN), tokeep_token_get(b, TOKEEP_FIELD_ACCESS_TOKEN));
}

/* The row as it is now, into `row`; what `err` says is kept where that works. */
static int read_again(const struct flow *flow, struct tokeep_token *row)
{
	struct error said = { .retry_after_s = -1 };
	int r;

	error_move(&said, flow->err);
	r = backend_find_by_id(flow->be, tokeep_token_get(row, TOKEEP_FIELD_ID), row);
	if (r)
		error_clear(&said);
	else
		error_move(flow->err, &said);
	return r;
}

/* The row was another one when the answer was to be saved. */
static int superseded(struct refresh *x, struct exchange *e, struct tokeep_token *record)
{
	struct tokeep_token current = { { NULL } };
	int r = backend_find_by_id(x->flow->be, tokeep_token_get(x->row, TOKEEP_FIELD_ID), &current);

	if (r == TOKEEP_ENOTFOUND)
		error_set(x->flow->err, TOKEEP_EUNSAVED,
			  "%s: the record was deleted while it was refreshed; the journal has the answer; run: "
			  "tokeep delete %s to drop it",
			  token_who(record), tokeep_token_get(record, TOKEEP_FIELD_ID));
	if (!r && expiry_alive(&current, expiry_now_ms())) {
		log_say(x->flow->log, TOKEEP_LOG_NOTICE, "%s: another run or login stored a newer token meanwhile",
			token_who(&current));
		journal_drop(&e->journal);
		error_clear(x->flow->err);
		token_move(x->row, &current);
		return 0;
	}
	if (!r) {
		journal_drop(&e->journal);
		error_set(x->flow->err, TOKEEP_EUNSAVED,
			  "%s: another run or login stored a different refresh token meanwhile, which stays",
			  token_who(record));
	}
	x->flow->err->result = TOKEEP_EUNSAVED; /* where the row can't be read, too */
	token_clear(&current);
	token_move(x->row, record);
	return TOKEEP_EUNSAVED;
}

static int keep(struct refresh *x, struct exchange *e)
{
	struct tokeep_token record = { { NULL } };
	int r = exchange_record(e, &record);

	if (!r) {
		exchange_note(e, &record);
		r = exchange_save(e, &record, swap, tokeep_token_get(x->row, TOKEEP_FIELD_REFRESH_TOKEN));
	}
	if (r == TOKEEP_ENOTFOUND) {
		r = superseded(x, e, &record);
	} else if (!r || r == TOKEEP_EUNSAVED) {
		token_move(x->row, &record);
		if (!r)
			error_clear(x->flow->err);
	}
	token_clear(&record);
	remember_success(x);
	return r;
}

/* No token came, but a new refresh token did: the old one is spent. */
static void keep_refresh_token(struct refresh *x, struct exchange *e)
{
	struct tokeep_token record = { { NULL } };
	struct error said = { .retry_after_s = -1 };
	int r;

	error_move(&said, x->flow->err);
	r = tokeep_token_set(&record, TOKEEP_FIELD_REFRESH_TOKEN,
			     tokeep_token_get(&e->result.token, TOKEEP_FIELD_REFRESH_TOKEN));
	for (int f = 0; !r && f <= TOKEEP_FIELD_CLIENT_ID; f++)
		r = tokeep_token_set(&record, f, x->row->value[f]);
	if (!r)
		r = journal_answer(&e->journal, &record, x->flow->err);
	token_clear(&record);
	error_move(x->flow->err, &said);
	error_add(x->flow->err, r ? "; it carried a new refresh token, which could not be kept" :
				    "; it carried a new refresh token, which is in the journal for the next run");
}

/* How the sending failed: what is kept, what is remembered. */
static int failed(struct refresh *x, struct exchange *e, int r)
{
	if (r == TOKEEP_EREPLY && tokeep_token_get(&e->result.token, TOKEEP_FIELD_REFRESH_TOKEN))
		keep_refresh_token(x, e);
	else
		journal_drop(&e->journal);
	if (r == TOKEEP_ETRANSPORT || r == TOKEEP_ELATER || r == TOKEEP_EREPLY || r == TOKEEP_ECLIENT)
		remember_failure(x, e, r);
	return r;
}

/* Could the answer be saved? Judged are the fields that change, at the size that is to be expected: that of the last
 * one, of the refresh token where no access token was there yet, and of a time as it is now. */
static int prove(const struct refresh *x)
{
	struct tokeep_token wanted = { { NULL } };
	static const int changing[] = { TOKEEP_FIELD_ID, TOKEEP_FIELD_ACCESS_TOKEN, TOKEEP_FIELD_REFRESH_TOKEN,
					TOKEEP_FIELD_EXPIRY_TIME };
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(changing) / sizeof(*changing); i++)
		if (tokeep_token_set(&wanted, changing[i], x->row->value[changing[i]]))
			r = error_nomem(x->flow->err);
	if (!r && !tokeep_token_get(x->row, TOKEEP_FIELD_ACCESS_TOKEN) &&
	    tokeep_token_set(&wanted, TOKEEP_FIELD_ACCESS_TOKEN, tokeep_token_get(x->row, TOKEEP_FIELD_REFRESH_TOKEN)))
		r = error_nomem(x->flow->err);
	if (!r && token_set_time(&wanted, TOKEEP_FIELD_EXPIRY_TIME, expiry_now_ms()))
		r = error_nomem(x->flow->err);
	if (!r)
		r = backend_probe(x->flow->be, &wanted);
	if (r)
		error_add(x->flow->err, "; so the refresh token was not spent");
	token_clear(&wanted);
	return r;
}

/* An earlier run died between sending and the answer, and it had asked twice: as if this one had. */
static int lost_twice(struct refresh *x, struct exchange *e)
{
	error_set(x->flow->err, TOKEEP_ETRANSPORT, "the answers to the last two requests were lost");
	e->result.sent = true;
	return failed(x, e, TOKEEP_ETRANSPORT);
}

/* What an earlier run left. `again`: the row was brought up to date from it. */
static int take_leftover(struct refresh *x, struct exchange *e, bool *again)
{
	int r = journal_open(&e->journal, x->flow->be, x->row, x->flow->err);

	if (r == TOKEEP_ENOTFOUND) {
		journal_drop(&e->journal);
		return 0;
	}
	if (r) {
		error_add(x->flow->err, "; so the refresh token was not spent");
		return r;
	}
	if (e->journal.answered) {
		*again = true;
		return recover_answer(x->flow, &e->journal, x->row);
	}
	if (strcmp(e->journal.digest, e->digest)) {
		journal_drop(&e->journal); /* the row has another refresh token by now */
		return 0;
	}
	return e->journal.sends >= 2 ? lost_twice(x, e) : 0;
}

static bool good_enough(const struct refresh *x)
{
	int64_t now_ms = expiry_now_ms();

	/* Somebody else got a new one while we waited: theirs is ours, whatever the leeway. */
	if (!same_access(x->row, &x->before) && expiry_alive(x->row, now_ms))
		return true;
	return !x->now && expiry_fresh(x->row, x->flow->conf->leeway_s, x->min_ttl_s, now_ms);
}

static int send_and_keep(struct refresh *x, struct exchange *e, bool *again)
{
	struct tokeep_token asked = { { NULL } };
	sigset_t saved;
	int r;

	if (token_copy(&asked, x->row))
		return error_nomem(x->flow->err);
	exchange_hold_signals(&saved);
	r = exchange_send(e);
	if (!r) {
		r = keep(x, e);
	} else if (r == TOKEEP_ELOGIN && !refresh_by_credentials(x->row) && !read_again(x->flow, x->row) &&
		   !same_grant(x->row, &asked)) {
		/* Another host, or somebody without a lease, has rotated it. */
		journal_drop(&e->journal);
		*again = true;
		r = 0;
	} else if (r == TOKEEP_ELOGIN) {
		r = mark_refused(x, e);
		journal_drop(&e->journal);
	} else {
		r = failed(x, e, r);
	}
	exchange_release_signals(&saved);
	token_clear(&asked);
	return r;
}

/* Once, or `again` where the row turns out to be another one. */
static int ask(struct refresh *x, bool *again)
{
	struct exchange e = { .flow = x->flow, .client = x->client, .lease = &x->lease, .journal.fd = -1,
			      .ask = ask_refresh, .row = x->row, .retry = true };
	int r;

	*again = false;
	e.secret = tokeep_token_get(x->row, TOKEEP_FIELD_REFRESH_TOKEN);
	r = flow_digest(x->flow, e.secret, e.digest);
	if (!r)
		r = take_leftover(x, &e, again);
	if (!r && !*again)
		r = remember_budget(x);
	if (!r && !*again)
		r = prove(x);
	if (!r && !*again)
		r = send_and_keep(x, &e, again);
	exchange_free(&e);
	return r;
}

static int under_lease(struct refresh *x)
{
	bool again = true;
	int r = 0;

	for (int i = 0; again && !r && i < 3; i++) {
		r = read_again(x->flow, x->row);
		if (r || good_enough(x))
			return r;
		r = remember_hinders(x, x->asked_ms);
		if (!r)
			r = ask(x, &again);
	}
	if (!r && again)
		r = error_set(x->flow->err, TOKEEP_ESTORE, "%s: the record changes faster than it can be read",
			      token_who(x->row));
	return r;
}

static const char *why_another(const struct tokeep_token *row)
{
	if (!tokeep_token_get(row, TOKEEP_FIELD_ACCESS_TOKEN))
		return "is missing";
	return expiry_alive(row, expiry_now_ms()) ? "is to be replaced" : "has expired";
}

static int has_grant(const struct refresh *x)
{
	if (tokeep_token_get(x->row, TOKEEP_FIELD_REFRESH_TOKEN) || refresh_by_credentials(x->row))
		return 0;
	error_set(x->flow->err, TOKEEP_ELOGIN, "%s: the access token %s and there is no refresh token: log in again",
		  token_who(x->row), why_another(x->row));
	return flow_must_login(x->flow, x->row, TOKEEP_ELOGIN);
}

/* A lease lasts longer than any exchange, and ends before those who wait for it give up. */
static int take_lease(struct refresh *x)
{
	const struct conf *conf = x->flow->conf;
	int64_t hold_ms = (conf->timeout_s + conf->lock_timeout_s) * 1000 / 2;

	return lease_take(&x->lease, x->flow->be, tokeep_token_get(x->row, TOKEEP_FIELD_ID),
			  flow_left_ms(x->flow, conf->lock_timeout_s * 1000), hold_ms, x->flow->err);
}

int refresh_run(const struct flow *flow, struct tokeep_token *row, int64_t min_ttl_s, bool now)
{
	struct refresh x = { .flow = flow, .row = row, .asked_ms = expiry_now_ms(), .min_ttl_s = min_ttl_s,
			     .now = now, .lease.fd = -1 };
	int r = token_copy(&x.before, row) ? error_nomem(flow->err) : 0;

	if (!r)
		r = has_grant(&x);
	if (!r)
		r = remember_hinders(&x, INT64_MAX);
	if (!r)
		r = client_for_token(flow->conf, row, &x.client, flow->err);
	if (!r)
		r = flow_discover(flow, x.client);
	if (!r) {
		r = take_lease(&x);
		if (!r) {
			r = under_lease(&x);
			lease_release(&x.lease, flow->err);
		}
	}
	client_free(x.client);
	pause_free(&x.pause);
	token_clear(&x.before);
	return r;
}
