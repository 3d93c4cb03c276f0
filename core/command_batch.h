/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_batch.h: many tokens into a store, a thousand at a time, for import and migrate. */
#ifndef TOKEEP_COMMAND_BATCH_H
#define TOKEEP_COMMAND_BATCH_H

#include "command.h"

enum { BATCH_TOKENS = 1000, BATCH_BYTES = 16 << 20 };

struct batch {
	struct command *cmd;
	struct tokeep *to;
	const char *source;  /* for messages: "tokens.jsonl: line", "sqlite: token" */
	/* Called for each token once it is saved for good; NULL: not. Not 0 stops. */
	int (*saved_one)(struct batch *batch, const struct tokeep_token *token);
	long long saved, new_ids;
	struct {
		struct tokeep_token *token;
		long long place; /* behind `source` in messages */
	} entries[BATCH_TOKENS];
	size_t count, bytes;
};

/* All take what is said to be given, whatever the result; failures have been told. Nothing waits for input while the
 * store is held. */
int batch_add(struct batch *batch, struct tokeep_token *token, long long place); /* token: given */
int batch_save(struct batch *batch); /* what is left */
void batch_free(struct batch *batch);

/* NULL when memory is short. */
struct tokeep_token *batch_copy_token(const struct tokeep_token *token);

#endif
