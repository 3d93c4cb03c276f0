/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_batch.c: saves tokens under their own ids, many as one where the store can. */
#include "command_batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tokeep_token *batch_copy_token(const struct tokeep_token *token)
{
	struct tokeep_token *copy = tokeep_token_new();

	for (int f = 0; copy && tokeep_field_name(f); f++)
		if (tokeep_token_set(copy, f, tokeep_token_get(token, f))) {
			tokeep_token_free(copy);
			return NULL;
		}
	return copy;
}

static size_t size_of(const struct tokeep_token *token)
{
	size_t size = 0;

	for (int f = 0; tokeep_field_name(f); f++) {
		const char *value = tokeep_token_get(token, f);

		size += value ? strlen(value) : 0;
	}
	return size;
}

static int fail(struct batch *batch, int result, long long place)
{
	char about[512];

	if (place)
		snprintf(about, sizeof(about), "%s %lld", batch->source, place);
	return say_failure(batch->cmd, batch->to, result, place ? about : NULL);
}

/* The id may be another account's here; then the record gets one of its own. */
static int save(struct batch *batch, struct tokeep_token *token, long long place)
{
	char *id = NULL;
	int r = tokeep_save_token(batch->to, token);

	if (r != TOKEEP_EINVAL || !tokeep_token_get(token, TOKEEP_FIELD_ID))
		return r ? fail(batch, r, place) : 0;
	id = strdup(tokeep_token_get(token, TOKEEP_FIELD_ID));
	tokeep_token_set(token, TOKEEP_FIELD_ID, NULL);
	r = id ? tokeep_save_token(batch->to, token) : TOKEEP_ENOMEM;
	if (r) {
		fail(batch, r, place);
	} else {
		say_warning(batch->cmd, "%s %lld: id %s belongs to another account there; saved under id %s", batch->source,
			    place, id, tokeep_token_get(token, TOKEEP_FIELD_ID));
		batch->new_ids++;
	}
	free(id);
	return r;
}

static void empty(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		tokeep_token_free(batch->entries[i].token);
	batch->count = batch->bytes = 0;
}

/* What went well before a failure is kept. */
static int save_entries(struct batch *batch, size_t *done)
{
	int committed, r = tokeep_begin(batch->to);
	size_t n = 0;

	if (r)
		return fail(batch, r, 0);
	while (n < batch->count) {
		r = save(batch, batch->entries[n].token, batch->entries[n].place);
		if (r)
			break;
		n++;
	}
	committed = tokeep_commit(batch->to, 1);
	if (committed)
		return r ? r : fail(batch, committed, 0); /* one failure is told, the first */
	*done = n;
	batch->saved += (long long)n;
	return r;
}

int batch_save(struct batch *batch)
{
	size_t done = 0;
	int told, r = batch->count ? save_entries(batch, &done) : 0;

	for (size_t i = 0; batch->saved_one && i < done; i++) {
		told = batch->saved_one(batch, batch->entries[i].token);
		r = r ? r : told;
	}
	empty(batch);
	return r;
}

int batch_add(struct batch *batch, struct tokeep_token *token, long long place)
{
	batch->entries[batch->count].token = token;
	batch->entries[batch->count++].place = place;
	batch->bytes += size_of(token);
	return batch->count == BATCH_TOKENS || batch->bytes >= BATCH_BYTES ? batch_save(batch) : 0;
}

void batch_free(struct batch *batch)
{
	if (batch)
		empty(batch);
	free(batch);
}
