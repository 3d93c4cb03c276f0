/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_expiry.c: is a token good at that time? Nobody waits to find out. */
#include <stdlib.h>

#include "expiry.h"
#include "tap.h"

#define NOW INT64_C(1800000000000)
#define S INT64_C(1000)

static struct tokeep_token *token(int64_t got_ms, int64_t expiry_ms)
{
	struct tokeep_token *t = tokeep_token_new();

	tokeep_token_set(t, TOKEEP_FIELD_ID, "1");
	tokeep_token_set(t, TOKEEP_FIELD_ACCESS_TOKEN, "at");
	if (got_ms >= 0)
		token_set_time(t, TOKEEP_FIELD_REFRESHED_TIME, got_ms);
	if (expiry_ms >= 0)
		token_set_time(t, TOKEEP_FIELD_EXPIRY_TIME, expiry_ms);
	else if (expiry_ms == -2)
		tokeep_token_set(t, TOKEEP_FIELD_EXPIRY_TIME, "soon");
	return t;
}

static void fresh(const char *sentence, bool want, int64_t got_ms, int64_t expiry_ms, int64_t leeway_s, int64_t min_ttl_s)
{
	struct tokeep_token *t = token(got_ms, expiry_ms);

	is_int(expiry_fresh(t, leeway_s, min_ttl_s, NOW), want, sentence);
	tokeep_token_free(t);
}

static void policy(const char *sentence, int want, int64_t max_age_s, int64_t idle_s, int64_t issued_ms, int64_t got_ms,
		   int64_t expiry_ms)
{
	struct conf conf = { .max_age_s = max_age_s, .idle_s = idle_s };
	struct error err = { .retry_after_s = -1 };
	struct tokeep_token *t = token(got_ms, expiry_ms);

	if (issued_ms >= 0)
		token_set_time(t, TOKEEP_FIELD_ISSUED_TIME, issued_ms);
	is_int(expiry_policy(&conf, t, NOW, &err), want, sentence);
	error_clear(&err);
	tokeep_token_free(t);
}

int main(void)
{
	struct tokeep_token *t = tokeep_token_new();

	is_int(expiry_alive(t, NOW), false, "no access token is not alive");
	tokeep_token_free(t);
	fresh("a token without expiry_time is fresh for ever", true, -1, -1, 60, 0);
	fresh("one that expires beyond the leeway is fresh", true, -1, NOW + 61 * S, 60, 0);
	fresh("one that expires within the leeway is not", false, -1, NOW + 60 * S, 60, 0);
	fresh("one that has expired is not", false, -1, NOW - 1, 0, 0);
	fresh("one that expires now is not", false, -1, NOW, 0, 0);
	fresh("min_ttl reaches further than the leeway", false, -1, NOW + 100 * S, 60, 101);
	fresh("min_ttl that is reached is enough", true, -1, NOW + 100 * S, 60, 100);
	fresh("of a short life a tenth is leeway enough", true, NOW, NOW + 5 * S, 60, 0);
	fresh("and that tenth counts", false, NOW - 95 * S, NOW + 5 * S, 60, 0);
	fresh("what no fresh token reaches is not asked for again and again", true, NOW, NOW + 3600 * S, 60, 7200);
	fresh("but at a tenth of its life it is", false, NOW - 400 * S, NOW + 3200 * S, 60, 7200);
	fresh("a clock that was set back by a year makes no old token live longer", false, NOW + 365 * 86400 * S,
	      NOW + 365 * 86400 * S + 3600 * S, 60, 0);
	fresh("clocks of two hosts may differ a little", true, NOW + 30 * S, NOW + 3630 * S, 60, 0);
	fresh("an expiry_time that is no number has passed", false, -1, -2, 60, 0);

	policy("without a policy nothing is too old", 0, 0, 0, 0, 0, 0);
	policy("a login within max_age is fine", 0, 100, 0, NOW - 100 * S, NOW, NOW);
	policy("one beyond is not", TOKEEP_ELOGIN, 100, 0, NOW - 101 * S, NOW, NOW);
	policy("a login of unknown time is", 0, 100, 0, -1, NOW, NOW);
	policy("a refresh within idle is fine", 0, 0, 100, -1, NOW - 100 * S, NOW);
	policy("one beyond is not", TOKEEP_ELOGIN, 0, 100, -1, NOW - 101 * S, NOW);
	policy("ten columns: idle counts from the expiry", TOKEEP_ELOGIN, 0, 100, -1, -1, NOW - 101 * S);
	return done();
}
