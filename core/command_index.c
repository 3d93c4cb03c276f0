/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_index.c: a table of hashes, a quarter of it free at least. */
#include "command_index.h"

#include <stdlib.h>

/* FNV-1a, the NUL included, so that the ends of values count. */
static uint64_t add(uint64_t hash, const char *value)
{
	do
		hash = (hash ^ (unsigned char)*value) * 0x100000001b3;
	while (*value++);
	return hash;
}

uint32_t index_fields(const struct tokeep_token *token)
{
	uint32_t fields = 0;

	for (int f = 0; tokeep_field_name(f); f++)
		fields |= (uint32_t)(tokeep_token_get(token, f) != NULL) << f;
	return fields;
}

uint64_t index_hash(const struct tokeep_token *token, uint32_t fields)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (int f = 0; tokeep_field_name(f); f++) {
		const char *value = tokeep_token_get(token, f);

		if (fields >> f & 1)
			hash = add(hash, value ? value : "");
	}
	return hash ? hash : 1;
}

static uint64_t hash_id(const struct tokeep_token *token)
{
	return index_hash(token, 1u << TOKEEP_FIELD_ID);
}

/* The entry, or the free place for it. There is one. */
static struct index_entry *place(const struct index *index, uint64_t id)
{
	size_t n = (id ^ id >> 32) & (index->room - 1);

	while (index->entries[n].id && index->entries[n].id != id)
		n = (n + 1) & (index->room - 1);
	return &index->entries[n];
}

struct index_entry *index_find(const struct index *index, const struct tokeep_token *token)
{
	struct index_entry *entry = index->room ? place(index, hash_id(token)) : NULL;

	return entry && entry->id ? entry : NULL;
}

static int grow(struct index *index)
{
	struct index bigger = { .count = index->count, .room = index->room ? 2 * index->room : 256 };

	bigger.entries = calloc(bigger.room, sizeof(*bigger.entries));
	if (!bigger.entries)
		return -1;
	for (size_t n = 0; n < index->room; n++)
		if (index->entries[n].id)
			*place(&bigger, index->entries[n].id) = index->entries[n];
	free(index->entries);
	*index = bigger;
	return 0;
}

struct index_entry *index_make(struct index *index, const struct tokeep_token *token)
{
	struct index_entry *entry = index_find(index, token);

	if (entry)
		return entry;
	if (4 * (index->count + 1) > 3 * index->room && grow(index))
		return NULL;
	entry = place(index, hash_id(token));
	entry->id = hash_id(token);
	index->count++;
	return entry;
}

void index_free(struct index *index)
{
	free(index->entries);
	*index = (struct index){ NULL, 0, 0 };
}
