/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* expiry.h: is this token good at that time? Time is an argument, so nobody has to wait to find out. */
#ifndef TOKEEP_CORE_EXPIRY_H
#define TOKEEP_CORE_EXPIRY_H

#include <stdbool.h>

#include "conf.h"
#include "token.h"

/* Not expired, by a clock that is not before the time when the token was got. Without expiry_time: yes. */
bool expiry_alive(const struct tokeep_token *token, int64_t now_ms);

/* Alive for more than the leeway and for min_ttl_s. A leeway is a tenth of the token's life at most, and what nobody can
 * reach, nine tenths, is enough for min_ttl_s: else a short life would mean a refresh for every call. */
bool expiry_fresh(const struct tokeep_token *token, int64_t leeway_s, int64_t min_ttl_s, int64_t now_ms);

/* Does it live for min_ttl_s from now? */
bool expiry_reaches(const struct tokeep_token *token, int64_t min_ttl_s, int64_t now_ms);

/* TOKEEP_ELOGIN where the configuration's max_age or idle says so. */
int expiry_policy(const struct conf *conf, const struct tokeep_token *token, int64_t now_ms, struct error *err);

/* The wall clock. */
int64_t expiry_now_ms(void);
#endif
