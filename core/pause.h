/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pause.h: STATE_DIR/pause: what every run must know before it asks a provider about a record: that it refused,
 * that it wants to be left alone for a while, and how often it was asked.
 */
#ifndef TOKEEP_CORE_PAUSE_H
#define TOKEEP_CORE_PAUSE_H

#include "backend.h"
#include "transport.h"

#define PAUSE_STAMPS 10

struct pause {
	int result;        /* what the asking came to: TOKEEP_E...; 0: nothing is remembered but the stamps */
	int64_t since_ms;  /* wall clock */
	int64_t length_ms; /* 0: shared with those who waited meanwhile, no longer; -1: until a login */
	int count;         /* failures in a row, from which the next length comes */
	char digest[TRANSPORT_DIGEST_SIZE]; /* of the refresh token that was refused; "" */
	char *reason;      /* in the provider's words, cleaned; NULL */
	int stamps;        /* how many of these are set, oldest first: when access tokens were got */
	int64_t stamp_ms[PAUSE_STAMPS];
};

/* Nothing remembered (or nothing readable) is an empty pause. */
void pause_read(const struct tokeep_backend *be, const char *id, struct pause *pause);
/* It is a help, not a promise: what can't be written is logged. */
void pause_write(const struct tokeep_backend *be, const char *id, const struct pause *pause);
void pause_remove(const struct tokeep_backend *be, const char *id);
void pause_free(struct pause *pause);

/* ms to wait from now on; 0: none. A clock that was set back, or that has passed the end, ends it. */
int64_t pause_left_ms(const struct pause *pause, int64_t now_ms);

/* Remembers a failure: `wait_s` from the server, -1: ours, 5 s doubling to 60. */
void pause_failed(struct pause *pause, int result, const char *reason, int64_t wait_s, int64_t now_ms);

/* At most `limit` stamps (PAUSE_STAMPS at most) in window_ms: ms until the next may be, 0: now. */
int64_t pause_budget_ms(const struct pause *pause, int limit, int64_t window_ms, int64_t now_ms);
void pause_stamp(struct pause *pause, int64_t now_ms);
#endif
