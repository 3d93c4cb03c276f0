/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * record.h: one JSON line per request in the log, and the counts that /_sandbox/state shows. No token in
 * either: a digest stands for it.
 */
#ifndef SANDBOX_RECORD_H
#define SANDBOX_RECORD_H

#include "grants.h"
#include "http.h"

struct record;
struct record *record_new(const char *path); /* NULL path: counts only. NULL: see errno */
void record_free(struct record *record);
void record_request(struct record *record, const struct request *rq, unsigned int status);
void record_forget(struct record *record); /* counts from zero; the log stays */
json_t *record_counts(struct record *record); /* {"token": {"ok": 3, "invalid_grant": 1}} */
json_int_t record_refresh_requests(struct record *record); /* also those that a fault kept from being processed */

/* What is noted of every request before it is processed, and of what it gave. */
void note_request(struct request *rq);
void note_issue(struct request *rq, const struct issue *issue);
#endif
