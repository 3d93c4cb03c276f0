/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* remember.c: what an earlier asking came to, for everybody who wants the same record: refusals, pauses, budgets. */
#include "refresh.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expiry.h"

/* Zoho: 10 new access tokens per refresh token in 10 minutes, then it is blocked. */
#define ZOHO_TOKENS 10
#define ZOHO_WINDOW_MS (10 * 60 * 1000)
#define THROTTLED_S (10 * 60)

/* The provider has refused this very refresh token. */
static int refused(const struct refresh *x, const char *reason)
{
	const char *why = x->pause.reason ? x->pause.reason : reason;

	error_set(x->flow->err, TOKEEP_ELOGIN, "%s: the provider refused the refresh token (%s): log in again",
		  token_who(x->row), why);
	return flow_must_login(x->flow, x->row, TOKEEP_ELOGIN);
}

static int remembered_refusal(struct refresh *x)
{
	const char *status = tokeep_token_get(x->row, TOKEEP_FIELD_STATUS);
	bool marked = status && strcmp(status, "ok") != 0;
	char hex[TRANSPORT_DIGEST_SIZE];
	int r;

	if (refresh_by_credentials(x->row))
		return 0;
	if (x->pause.length_ms >= 0 || !*x->pause.digest)
		return marked ? refused(x, status) : 0;
	r = flow_digest(x->flow, tokeep_token_get(x->row, TOKEEP_FIELD_REFRESH_TOKEN), hex);
	if (r)
		return r;
	/* Another refresh token than the one refused: somebody has logged in, with tokeep or without. */
	return strcmp(hex, x->pause.digest) ? 0 : refused(x, status ? status : "invalid_grant");
}

static int still_paused(struct refresh *x, int64_t left_ms)
{
	int64_t left_s = (left_ms + 999) / 1000;

	error_set(x->flow->err, x->pause.result, "%s: %s; not asked again for %" PRId64 " s", token_who(x->row),
		  x->pause.reason ? x->pause.reason : "the last try failed", left_s);
	x->flow->err->retry_after_s = left_s;
	return x->pause.result;
}

/* What nobody needs to ask again. A failure since `asked_ms` is ours, too: it came while we waited. */
int remember_hinders(struct refresh *x, int64_t asked_ms)
{
	int64_t now_ms = expiry_now_ms(), left_ms;
	int r;

	pause_free(&x->pause);
	pause_read(x->flow->be, tokeep_token_get(x->row, TOKEEP_FIELD_ID), &x->pause);
	r = remembered_refusal(x);
	if (r)
		return r;
	left_ms = pause_left_ms(&x->pause, now_ms);
	if (left_ms)
		return still_paused(x, left_ms);
	if (x->pause.result && x->pause.length_ms == 0 && x->pause.since_ms >= asked_ms && x->pause.since_ms <= now_ms)
		return error_set(x->flow->err, x->pause.result, "%s: %s", token_who(x->row),
				 x->pause.reason ? x->pause.reason : "another run failed just now");
	return 0;
}

int remember_budget(struct refresh *x)
{
	int64_t wait_ms;

	if (x->client->dialect != DIALECT_ZOHO)
		return 0;
	wait_ms = pause_budget_ms(&x->pause, ZOHO_TOKENS, ZOHO_WINDOW_MS, expiry_now_ms());
	if (!wait_ms)
		return 0;
	error_set(x->flow->err, TOKEEP_ELATER,
		  "%s: Zoho gives 10 access tokens in 10 minutes for a refresh token, then locks it: the next "
		  "may be asked for in %" PRId64 " s",
		  token_who(x->row), (wait_ms + 999) / 1000);
	x->flow->err->retry_after_s = (wait_ms + 999) / 1000;
	return TOKEEP_ELATER;
}

/* After a success only what counts against a budget is worth keeping. */
void remember_success(struct refresh *x)
{
	const char *id = tokeep_token_get(x->row, TOKEEP_FIELD_ID);

	if (x->client->dialect != DIALECT_ZOHO) {
		if (x->pause.result)
			pause_remove(x->flow->be, id);
		return;
	}
	pause_stamp(&x->pause, expiry_now_ms());
	x->pause.result = 0;
	x->pause.length_ms = 0;
	x->pause.count = 0;
	*x->pause.digest = '\0';
	free(x->pause.reason);
	x->pause.reason = NULL;
	pause_write(x->flow->be, id, &x->pause);
}

/* Seconds that everybody is to leave the provider alone; 0: only those who wait now share the failure. */
static int64_t wait_after(const struct exchange *e, int r)
{
	if (r == TOKEEP_ELATER && e->flow->err->retry_after_s >= 0)
		return e->flow->err->retry_after_s;
	if (r == TOKEEP_ELATER && e->result.throttled)
		return THROTTLED_S;
	if (r == TOKEEP_ECLIENT || (r == TOKEEP_ETRANSPORT && !e->result.sent))
		return 0;
	return -1;
}

void remember_failure(struct refresh *x, const struct exchange *e, int r)
{
	struct error *err = x->flow->err;
	int64_t wait_s = wait_after(e, r), now_ms = expiry_now_ms();

	pause_failed(&x->pause, r, error_text(err), wait_s, now_ms);
	snprintf(x->pause.digest, sizeof(x->pause.digest), "%s", e->result.sent ? e->digest : "");
	pause_write(x->flow->be, tokeep_token_get(x->row, TOKEEP_FIELD_ID), &x->pause);
	if (x->pause.length_ms)
		err->retry_after_s = (pause_left_ms(&x->pause, now_ms) + 999) / 1000;
}
