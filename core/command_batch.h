/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_batch.h: many tokens into a store, a thousand at a time, for import and migrate. */
#ifndef TOKEEP_COMMAND_BATCH_H
#define TOKEEP_COMMAND_BATCH_H

#include "command.h"

enum { BATCH_TOKENS = 1000, BATCH_BYTES = 16 << 20 };

struct batch_entry {
	struct tokeep_token *token;
	char *id;        /* without a token: the one to fetch */
	long long place; /* of the token, behind `source` in messages */
};

struct batch {
	struct command *cmd;
	struct tokeep *to;
	const char *source; /* for messages: "tokens.jsonl: line", "sqlite: token" */
	/* Fills an empty token that has waited, so that only its id need be kept. NULL: the token itself waits. */
	int (*fetch)(struct batch *batch, const char *id, struct tokeep_token *token);
	/* Called for each token once it is saved for good; not 0 stops. NULL: nobody is. */
	int (*saved_one)(struct batch *batch, const struct tokeep_token *token);
	long long saved, new_ids;

	struct batch_entry entries[BATCH_TOKENS];
	size_t count, bytes;
	/* Records whose id is another account's there. They get their new ids at the end, beyond all others, which
	 * would otherwise find their own ids taken by these. */
	struct batch_entry *waiting;
	size_t waiting_count, waiting_room;
};

/* Failures have been told. Nothing waits for input while the store is held. */
int batch_add(struct batch *batch, struct tokeep_token *token, long long place); /* token: given, whatever comes */
int batch_finish(struct batch *batch); /* what is left, and those that waited */
void batch_free(struct batch *batch);

/* NULL when memory is short. */
struct tokeep_token *batch_copy_token(const struct tokeep_token *token);

#endif
