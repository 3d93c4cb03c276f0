/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_index.h: what is known about many tokens by their ids, in 43 to 85 bytes each, so that migrate reads each
 * store from end to end rather than looking every token up. */
#ifndef TOKEEP_COMMAND_INDEX_H
#define TOKEEP_COMMAND_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tokeep.h>

struct index_entry {
	uint64_t id; /* its hash; 0: a free place */
	union {
		uint64_t account; /* hash of user_name and client_id, */
		uint64_t shared;  /* or of the columns that every table has */
	};
	union {
		int64_t refreshed_ms;
		uint64_t own; /* hash of our own columns */
	};
	uint32_t fields; /* that the hashes are of */
	bool met;
};

struct index {
	struct index_entry *entries;
	size_t count, room; /* room: a power of two */
};

/* Which fields are there, as bits. */
uint32_t index_fields(const struct tokeep_token *token);
/* The hash of these fields. */
uint64_t index_hash(const struct tokeep_token *token, uint32_t fields);

/* The entry of the token's id; NULL: none, or, where it is to be made, no memory. */
struct index_entry *index_find(const struct index *index, const struct tokeep_token *token);
struct index_entry *index_make(struct index *index, const struct tokeep_token *token);
void index_free(struct index *index);

#endif
