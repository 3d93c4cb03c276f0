/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * contract.h: what the parts of the contract suite share. The suite is one program, run once for each store,
 * and knows a store by tokeep.h alone: whatever holds here holds for every word in the config.
 */
#ifndef CONTRACT_H
#define CONTRACT_H

#include <stdbool.h>
#include <tokeep.h>

#include "tap.h"

enum {
	ID = TOKEEP_FIELD_ID,
	USER = TOKEEP_FIELD_USER_NAME,
	CLIENT = TOKEEP_FIELD_CLIENT_ID,
	SECRET = TOKEEP_FIELD_CLIENT_SECRET,
	REFRESH = TOKEEP_FIELD_REFRESH_TOKEN,
	ACCESS = TOKEEP_FIELD_ACCESS_TOKEN,
	GRANT = TOKEEP_FIELD_GRANT_TOKEN,
	EXPIRY = TOKEEP_FIELD_EXPIRY_TIME,
	FIELDS = TOKEEP_FIELD_STATUS + 1,
	END = -1
};

/* The store under test. */
struct subject {
	const char *word;
	char group[64];     /* of its options */
	char folder[256];   /* private, with the config and whatever the store puts there */
	char config[300];   /* a file */
	bool process;       /* its tokens end with the process */
	bool batches;       /* it saves many as one */
};
extern struct subject subject;

struct tokeep *context(void); /* a new one on the configured store; the test ends where there is none */
struct tokeep *context_with(const char *config);

/* token(USER, "alice", ACCESS, "a1", END) */
struct tokeep_token *token(int field, ...);
struct tokeep_token *copy(const struct tokeep_token *from);
bool same(const struct tokeep_token *a, const struct tokeep_token *b);

/* Saves what token() would make; the id given is copied to `id` where that isn't NULL. */
int save(struct tokeep *tk, char id[64], int field, ...);
int rows(struct tokeep *tk); /* how many there are; negative: the failure */

/* One field of the row that is found by user (and client, NULL: none given); "(none)", or why not. Valid until the
 * next call. */
const char *found(struct tokeep *tk, const char *user, const char *client, int field);
const char *found_id(struct tokeep *tk, const char *id, int field);

/* The result is the one wanted, and it has words exactly where it is a failure. */
int is_result(struct tokeep *tk, int got, int want, const char *sentence);

/* The parts. Each finds the store empty and may leave anything in it. */
struct part {
	const char *name;
	void (*run)(struct tokeep *tk);
};
void first_starts_at_once(void); /* this one before anybody has opened the store */
extern const struct part lookup_parts[], value_parts[], save_parts[], list_parts[], share_parts[];
#endif
