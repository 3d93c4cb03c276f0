/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* expiry.c: is this token good at that time? */
#include "expiry.h"

#include <inttypes.h>
#include <time.h>

/* Clocks of hosts that share a store may differ by this much without making each other's tokens look strange. */
#define SKEW_MS 60000

int64_t expiry_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool expiry_alive(const struct tokeep_token *token, int64_t now_ms)
{
	int64_t expiry_ms = token_time_ms(token, TOKEEP_FIELD_EXPIRY_TIME);
	int64_t got_ms = token_time_ms(token, TOKEEP_FIELD_REFRESHED_TIME);

	if (!token->value[TOKEEP_FIELD_ACCESS_TOKEN])
		return false;
	if (!token->value[TOKEEP_FIELD_EXPIRY_TIME])
		return true;
	/* A clock that was set back must not make an old token live longer than it was promised to. */
	if (got_ms >= 0 && now_ms < got_ms - SKEW_MS)
		return false;
	return now_ms < expiry_ms;
}

bool expiry_reaches(const struct tokeep_token *token, int64_t min_ttl_s, int64_t now_ms)
{
	if (!token->value[TOKEEP_FIELD_EXPIRY_TIME])
		return true;
	return token_time_ms(token, TOKEEP_FIELD_EXPIRY_TIME) - now_ms >= min_ttl_s * 1000;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

bool expiry_fresh(const struct tokeep_token *token, int64_t leeway_s, int64_t min_ttl_s, int64_t now_ms)
{
	int64_t expiry_ms = token_time_ms(token, TOKEEP_FIELD_EXPIRY_TIME);
	int64_t got_ms = token_time_ms(token, TOKEEP_FIELD_REFRESHED_TIME);
	int64_t leeway_ms = leeway_s * 1000, min_ttl_ms = min_ttl_s * 1000;

	if (!expiry_alive(token, now_ms))
		return false;
	if (!token->value[TOKEEP_FIELD_EXPIRY_TIME])
		return true;
	if (got_ms >= 0 && got_ms < expiry_ms) {
		leeway_ms = smaller(leeway_ms, (expiry_ms - got_ms) / 10);
		min_ttl_ms = smaller(min_ttl_ms, (expiry_ms - got_ms) / 10 * 9);
	}
	return expiry_ms - now_ms > leeway_ms && expiry_ms - now_ms >= min_ttl_ms;
}

static int too_old(const struct tokeep_token *token, const char *what, const char *key, int64_t limit_s,
		   struct error *err)
{
	return error_set(err, TOKEEP_ELOGIN, "%s: %s more than %" PRId64 " s ago, which policy.%s does not allow",
			 token_who(token), what, limit_s, key);
}

int expiry_policy(const struct conf *conf, const struct tokeep_token *token, int64_t now_ms, struct error *err)
{
	int64_t login_ms = token_time_ms(token, TOKEEP_FIELD_ISSUED_TIME);
	int64_t used_ms = token_time_ms(token, TOKEEP_FIELD_REFRESHED_TIME);

	/* A store of ten columns can't remember: the expiry is the nearest there is. */
	if (used_ms < 0)
		used_ms = token_time_ms(token, TOKEEP_FIELD_EXPIRY_TIME);
	if (conf->max_age_s && login_ms >= 0 && now_ms - login_ms > conf->max_age_s * 1000)
		return too_old(token, "the last login was", "max_age", conf->max_age_s, err);
	if (conf->idle_s && used_ms >= 0 && now_ms - used_ms > conf->idle_s * 1000)
		return too_old(token, "the token was last refreshed", "idle", conf->idle_s, err);
	return 0;
}
