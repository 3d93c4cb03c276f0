/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tickets.h: inside of grants.h, for the files that make it up. Whatever a client may present is a ticket, found
 * by its text in one tree; each ticket belongs to a grant, and a grant owns its tickets. Callers hold the mutex.
 */
#ifndef SANDBOX_TICKETS_H
#define SANDBOX_TICKETS_H

#include "grants.h"

#include <pthread.h>
#include <stddef.h>

enum ticket_kind { CODE, REFRESH, ACCESS, DEVICE, USER_CODE };
enum state { WAITING, LIVE, REFUSED, KILLED, REVOKED };

struct ticket {
	struct ticket *next; /* of the same grant */
	enum ticket_kind kind;
	struct grant *grant;
	char *text;
	char *scope;              /* of an access token */
	int64_t expires_ms;       /* 0: never */
	int64_t spent_ms;         /* 0: not yet */
	struct ticket *successor; /* the refresh token that took its place */
};

struct grant {
	struct grant *next;
	unsigned id;
	enum state state;
	char *client_id, *user, *scope, *redirect_uri, *challenge, *nonce;
	bool online, seeded;
	struct ticket *tickets; /* newest first */
	int64_t polled_ms, interval_ms;
	int64_t *issued_ms; /* when access tokens were given, for the throttle: the last throttle_count */
	size_t issued;
};

struct grants {
	pthread_mutex_t mutex;
	struct rules rules;
	struct client *clients;
	struct grant *first, **end;
	unsigned last_id;
	void *tickets; /* tsearch() by text */
	struct grant_counts counts;
};

struct grant *grant_add(struct grants *g, enum state state, const struct login *login);
void grants_drop(struct grants *g); /* every grant */

/* A ticket of that kind, spent or not; NULL text, or none: NULL. */
struct ticket *ticket_find(struct grants *g, const char *text);
struct ticket *ticket_find_kind(struct grants *g, const char *text, enum ticket_kind kind);
struct ticket *ticket_add(struct grants *g, struct grant *grant, enum ticket_kind kind, char *text /* taken */,
			  int64_t life_s /* 0: for ever */);
bool ticket_expired(const struct ticket *t);
bool ticket_live(const struct ticket *t); /* would be taken now */
char *token_text(struct grants *g);       /* a new one */

/* What an answer gives, and whom it is for. */
void give_access(struct grants *g, struct grant *grant, const char *scope /* NULL: the grant's */,
		 struct issue *issue);
void give_refresh(struct grants *g, struct grant *grant, struct issue *issue);
void tell_who(const struct grant *grant, struct issue *issue);
#endif
