/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * faults.h: the ways in which a server may misbehave, armed for the next requests of an endpoint. Says what is
 * to happen; server.c does it.
 */
#ifndef SANDBOX_FAULTS_H
#define SANDBOX_FAULTS_H

#include "http.h"

enum fault_kind {
	FAULT_NONE,
	FAULT_DELAY,    /* ms */
	FAULT_STATUS,   /* an error page with that status and Retry-After */
	FAULT_DROP,     /* closes without an answer */
	FAULT_RESET,    /* the same with a TCP reset */
	FAULT_NOTJSON,
	FAULT_HTML,
	FAULT_HUGE,     /* 10 MB of JSON */
	FAULT_BODY,     /* a body of the tester's own */
	FAULT_SLOW,     /* the true answer, a byte a second (or `ms`) */
	FAULT_TRUNCATE, /* the first half of the true answer, then closes */
	FAULT_KINDS
};

struct fault {
	struct fault *next;
	char *endpoint; /* "token"; "*": every one */
	enum fault_kind kind;
	bool after;     /* the request is processed first */
	int64_t ms;
	int64_t status;
	int64_t count;  /* how often; -1: always */
	char *retry_after, *body, *type;
};

/* What happens to one request. Texts are copies. */
struct fault_plan {
	int64_t delay_ms, delay_after_ms;
	enum fault_kind kind;
	const char *name; /* for the log; NULL */
	bool after;
	int64_t ms;
	unsigned int status;
	char *retry_after, *body, *type;
};
void fault_plan_clear(struct fault_plan *plan);
void fault_spoil(const struct fault_plan *plan, struct reply *reply); /* puts its answer in the true one's place */

struct faults;
struct faults *faults_new(void);
void faults_free(struct faults *faults);

/* From parameters kind, endpoint, ms, status, retry_after, body, type, count, as the control endpoint gets them.
 * 0, or -1 with the reason in *why (a constant). */
int faults_arm(struct faults *faults, const struct param *params, const char **why);
/* From text: "kind=drop_after,endpoint=token,count=2" */
int faults_arm_text(struct faults *faults, const char *text, const char **why);

/* All delays that are armed for the endpoint, and the first of the others; each counted once less. */
void faults_take(struct faults *faults, const char *endpoint, struct fault_plan *plan);
void faults_forget(struct faults *faults);
json_t *faults_list(struct faults *faults);
#endif
