/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * exchange.c: one grant being turned into tokens: noted before it is sent, asked for once, and the answer brought
 * home. Between the answer's last byte and the journal stands nothing that could be left out.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "expiry.h"
#include "flow.h"
#include "secret.h"

#define SENDS_MAX 2          /* how often a grant that may be spent is presented */
#define RETRY_AFTER_MS 1000
#define LEASE_MARGIN_MS 2000 /* the save has to fit behind the answer */
#define SAVES_MAX 3

void exchange_hold_signals(void *saved_mask)
{
	sigset_t hold;

	sigemptyset(&hold);
	sigaddset(&hold, SIGINT);
	sigaddset(&hold, SIGTERM);
	sigaddset(&hold, SIGHUP);
	sigaddset(&hold, SIGQUIT);
	pthread_sigmask(SIG_BLOCK, &hold, saved_mask);
}

void exchange_release_signals(const void *saved_mask)
{
	pthread_sigmask(SIG_SETMASK, saved_mask, NULL);
}

static void sleep_ms(int64_t ms)
{
	struct timespec rest = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&rest, &rest))
		;
}

/* Every deadline is shorter than the lease. */
static int64_t time_for(const struct exchange *x, int64_t started_ms)
{
	int64_t left = started_ms + x->flow->conf->timeout_s * 1000 - lease_clock_ms();

	left = flow_left_ms(x->flow, left);
	if (x->lease && lease_left_ms(x->lease) - LEASE_MARGIN_MS < left)
		left = lease_left_ms(x->lease) - LEASE_MARGIN_MS;
	return left;
}

static int send_once(struct exchange *x, int64_t left_ms)
{
	struct oauth_net net = { .conf = x->flow->conf, .timeout_ms = left_ms, .now_ms = expiry_now_ms() };

	oauth_result_free(&x->result);
	return x->ask(x, &net, &x->result);
}

/* An answer that was lost may be asked for once more; one that says when to come back may not. */
static bool may_repeat(const struct exchange *x, int r, int64_t left_ms)
{
	bool lost = r == TOKEEP_ETRANSPORT && x->result.sent;
	bool broken = r == TOKEEP_ELATER && !x->result.throttled && x->flow->err->retry_after_s < 0;

	return x->retry && (lost || broken) && x->journal.sends < SENDS_MAX && left_ms > 2 * RETRY_AFTER_MS;
}

int exchange_send(struct exchange *x)
{
	int64_t started_ms = lease_clock_ms();
	struct error *err = x->flow->err;
	int r;

	for (;;) {
		int64_t left_ms = time_for(x, started_ms);

		if (left_ms <= 0)
			return error_set(err, TOKEEP_ETRANSPORT, "%s: no time is left to ask for a token",
					 x->client->token_url ? x->client->token_url : x->client->name);
		r = journal_arm(&x->journal, x->flow->be, x->row, x->digest, expiry_now_ms(), err);
		if (r)
			return r;
		r = send_once(x, left_ms);
		if (!r || !may_repeat(x, r, time_for(x, started_ms)))
			return r;
		log_say(x->flow->log, TOKEEP_LOG_NOTICE, "%s; asking once more", error_text(err));
		sleep_ms(RETRY_AFTER_MS);
	}
}

int exchange_record(const struct exchange *x, struct tokeep_token *record)
{
	const struct tokeep_token *answer = &x->result.token;
	struct tokeep_token fresh = { { NULL } };
	const char *issuer = x->client->issuer ? x->client->issuer : x->client->token_url;
	int r = token_copy(&fresh, answer);

	if (!r)
		r = token_set_time(&fresh, TOKEEP_FIELD_REFRESHED_TIME, expiry_now_ms());
	if (!r)
		r = tokeep_token_set(&fresh, TOKEEP_FIELD_STATUS, "ok");
	if (!r && !x->row->value[TOKEEP_FIELD_ISSUER])
		r = tokeep_token_set(&fresh, TOKEEP_FIELD_ISSUER, issuer);
	if (!r)
		r = tokeep_token_merge(&fresh, x->row);
	if (!r)
		token_move(record, &fresh);
	token_clear(&fresh);
	return r ? error_nomem(x->flow->err) : 0;
}

static int save_some_times(const struct exchange *x, struct tokeep_token *record,
			   int (*save)(const struct flow *, struct tokeep_token *, const char *), const char *old)
{
	int r = 0;

	for (int i = 0; i < SAVES_MAX; i++) {
		if (i)
			sleep_ms(100 * i);
		r = save(x->flow, record, old);
		if (r != TOKEEP_ESTORE && r != TOKEEP_ENOMEM)
			break;
	}
	return r;
}

bool exchange_note(struct exchange *x, const struct tokeep_token *record)
{
	if (!journal_answer(&x->journal, record, x->flow->err))
		return true;
	log_say(x->flow->log, TOKEEP_LOG_WARNING, "%s", error_text(x->flow->err));
	return false;
}

int exchange_save(struct exchange *x, struct tokeep_token *record,
		  int (*save)(const struct flow *, struct tokeep_token *, const char *), const char *old)
{
	int r = save_some_times(x, record, save, old);

	if (!r) {
		journal_drop(&x->journal);
		return 0;
	}
	if (r == TOKEEP_ENOTFOUND)
		return r;
	error_add(x->flow->err, "%s", x->journal.answered ?
		  "; the fresh token was not stored, but the journal has it, and the next run stores it; run: tokeep check" :
		  "; the fresh token was not stored, and the journal could not be written either: keep it, or log in again");
	x->flow->err->result = TOKEEP_EUNSAVED;
	return TOKEEP_EUNSAVED;
}

void exchange_free(struct exchange *x)
{
	journal_close(&x->journal);
	oauth_result_free(&x->result);
}
