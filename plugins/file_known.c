/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* file_known.c: which values a draft may hold. */
#include <config.h>

#include "file_known.h"

#include <stdlib.h>

#define FIRST_ROOM 1024 /* a power of two */

/* What a row can be found by. */
static const int keys[] = { TOKEEP_FIELD_ID, TOKEEP_FIELD_USER_NAME, TOKEEP_FIELD_REFRESH_TOKEN,
			    TOKEEP_FIELD_ACCESS_TOKEN, TOKEEP_FIELD_GRANT_TOKEN };

/* FNV-1a, the field first; never 0. */
static uint64_t hash_of(int field, const char *value)
{
	uint64_t hash = (UINT64_C(0xcbf29ce484222325) ^ (unsigned int)field) * UINT64_C(0x100000001b3);

	while (*value)
		hash = (hash ^ (unsigned char)*value++) * UINT64_C(0x100000001b3);
	return hash ? hash : 1;
}

/* Where the hash is, or would be. */
static size_t place_of(const struct file_known *known, uint64_t hash)
{
	size_t i = (hash ^ hash >> 32) & (known->room - 1);

	while (known->hash[i] && known->hash[i] != hash)
		i = (i + 1) & (known->room - 1);
	return i;
}

static int grow(struct file_known *known)
{
	struct file_known wider = { calloc(known->room * 2, sizeof(*known->hash)), known->room * 2, known->used };

	if (!wider.hash)
		return TOKEEP_ENOMEM;
	for (size_t i = 0; i < known->room; i++)
		if (known->hash[i])
			wider.hash[place_of(&wider, known->hash[i])] = known->hash[i];
	free(known->hash);
	*known = wider;
	return 0;
}

void file_known_begin(struct file_known *known)
{
	*known = (struct file_known){ calloc(FIRST_ROOM, sizeof(*known->hash)), FIRST_ROOM, 0 };
}

void file_known_end(struct file_known *known)
{
	free(known->hash);
	*known = (struct file_known){ NULL, 0, 0 };
}

static void add(struct file_known *known, uint64_t hash)
{
	size_t i;

	if (known->used * 2 >= known->room && grow(known)) {
		file_known_end(known);
		return;
	}
	i = place_of(known, hash);
	known->used += !known->hash[i];
	known->hash[i] = hash;
}

void file_known_add(struct file_known *known, const struct tokeep_token *token)
{
	for (size_t k = 0; known->hash && k < sizeof(keys) / sizeof(*keys); k++) {
		const char *value = tokeep_token_get(token, keys[k]);

		if (value)
			add(known, hash_of(keys[k], value));
	}
}

bool file_known_may_hold(const struct file_known *known, int field, const char *value)
{
	return !known->hash || known->hash[place_of(known, hash_of(field, value))];
}
