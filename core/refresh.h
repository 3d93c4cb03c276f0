/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* refresh.h: a refresh of one record; what refresh.c and remember.c share. */
#ifndef TOKEEP_CORE_REFRESH_H
#define TOKEEP_CORE_REFRESH_H

#include "flow.h"

/* What stays the same while it waits, reads again and asks. */
struct refresh {
	const struct flow *flow;
	struct client *client;
	struct lease lease;
	struct pause pause;
	struct tokeep_token *row;   /* as last read */
	struct tokeep_token before; /* as first read */
	int64_t asked_ms;           /* wall clock when it began */
	int64_t min_ttl_s;
	bool now;
};

/* `row` is made fresh, or was by somebody else meanwhile. `now`: whatever the expiry says. */
int refresh_run(const struct flow *flow, struct tokeep_token *row, int64_t min_ttl_s, bool now);

/* Its access token is asked for anew with the client's own credentials. */
bool refresh_by_credentials(const struct tokeep_token *row);

/*
 * remember.c
 */

/* What nobody needs to ask again: the result that it would come to. A failure since `asked_ms` is ours, too: it came
 * while we waited. 0: nothing hinders. */
int remember_hinders(struct refresh *x, int64_t asked_ms);

/* TOKEEP_ELATER where the provider would count one too many. */
int remember_budget(struct refresh *x);

/* After a success only what counts against a budget is worth keeping. */
void remember_success(struct refresh *x);
void remember_failure(struct refresh *x, const struct exchange *e, int r);
#endif
