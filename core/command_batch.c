/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_batch.c: saves tokens under their own ids, many as one where the store can. */
#include "command_batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEW_IDS_TOLD = 20 }; /* one by one, without -v */

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

static int nomem(struct batch *batch)
{
	return say_error(batch->cmd, TOKEEP_ENOMEM, "out of memory");
}

static void drop(struct batch_entry *entry)
{
	tokeep_token_free(entry->token);
	free(entry->id);
	*entry = (struct batch_entry){ NULL, NULL, 0 };
}

/*
 * Those that wait
 */

static int let_wait(struct batch *batch, struct batch_entry *entry)
{
	if (batch->waiting_count == batch->waiting_room) {
		size_t room = batch->waiting_room ? 2 * batch->waiting_room : 64;
		struct batch_entry *waiting = reallocarray(batch->waiting, room, sizeof(*waiting));

		if (!waiting)
			return nomem(batch);
		batch->waiting = waiting;
		batch->waiting_room = room;
	}
	entry->id = strdup(tokeep_token_get(entry->token, TOKEEP_FIELD_ID));
	if (!entry->id)
		return nomem(batch);
	if (batch->fetch) {
		tokeep_token_free(entry->token);
		entry->token = NULL;
	}
	batch->waiting[batch->waiting_count++] = *entry;
	*entry = (struct batch_entry){ NULL, NULL, 0 }; /* transferred */
	return 0;
}

static void tell_new_id(struct batch *batch, const struct batch_entry *entry)
{
	batch->new_ids++;
	if (batch->new_ids <= NEW_IDS_TOLD || batch->cmd->level >= TOKEEP_LOG_INFO)
		say_warning(batch->cmd, "%s %lld: id %s belongs to another account there; saved under id %s",
			    batch->source, entry->place, entry->id, tokeep_token_get(entry->token, TOKEEP_FIELD_ID));
	else if (batch->new_ids == NEW_IDS_TOLD + 1)
		say_warning(batch->cmd, "more new ids follow; -v tells each");
}

static int save_anew(struct batch *batch, struct batch_entry *entry)
{
	int r = tokeep_token_set(entry->token, TOKEEP_FIELD_ID, NULL);

	if (!r)
		r = tokeep_save_token(batch->to, entry->token);
	if (r)
		return fail(batch, r, entry->place);
	tell_new_id(batch, entry);
	return 0;
}

/*
 * A batch
 */

/* TOKEEP_EINVAL for a record that is whole: the id is taken. */
static int save(struct batch *batch, struct batch_entry *entry)
{
	int r;

	if (entry->id)
		return save_anew(batch, entry);
	r = tokeep_save_token(batch->to, entry->token);
	if (r == TOKEEP_EINVAL && tokeep_token_get(entry->token, TOKEEP_FIELD_ID))
		return let_wait(batch, entry);
	return r ? fail(batch, r, entry->place) : 0;
}

/* What went well before a failure is kept. */
static int save_entries(struct batch *batch, size_t *done)
{
	int committed, r = tokeep_begin(batch->to);
	size_t n = 0;

	if (r)
		return fail(batch, r, 0);
	while (n < batch->count && !r) {
		r = save(batch, &batch->entries[n]);
		n += !r;
	}
	committed = tokeep_commit(batch->to, 1);
	if (committed)
		return r ? r : fail(batch, committed, 0); /* one failure is told, the first */
	*done = n;
	return r;
}

static int save_batch(struct batch *batch)
{
	size_t done = 0;
	int told, r = batch->count ? save_entries(batch, &done) : 0;

	for (size_t i = 0; i < done; i++) {
		if (!batch->entries[i].token)
			continue; /* it waits */
		batch->saved++;
		told = batch->saved_one ? batch->saved_one(batch, batch->entries[i].token) : 0;
		r = r ? r : told;
	}
	for (size_t i = 0; i < batch->count; i++)
		drop(&batch->entries[i]);
	batch->count = batch->bytes = 0;
	return r;
}

static int add(struct batch *batch, const struct batch_entry *entry)
{
	batch->entries[batch->count++] = *entry;
	batch->bytes += size_of(entry->token);
	return batch->count == BATCH_TOKENS || batch->bytes >= BATCH_BYTES ? save_batch(batch) : 0;
}

int batch_add(struct batch *batch, struct tokeep_token *token, long long place)
{
	return add(batch, &(struct batch_entry){ token, NULL, place });
}

static int add_waiting(struct batch *batch, struct batch_entry *entry)
{
	struct batch_entry whole = *entry;
	int r = 0;

	*entry = (struct batch_entry){ NULL, NULL, 0 }; /* transferred */
	if (!whole.token) {
		whole.token = tokeep_token_new();
		r = whole.token ? batch->fetch(batch, whole.id, whole.token) : nomem(batch);
	}
	if (!r)
		return add(batch, &whole);
	drop(&whole);
	return r;
}

int batch_finish(struct batch *batch)
{
	int r = save_batch(batch);

	for (size_t i = 0; !r && i < batch->waiting_count; i++)
		r = add_waiting(batch, &batch->waiting[i]);
	return r ? r : save_batch(batch);
}

void batch_free(struct batch *batch)
{
	if (!batch)
		return;
	for (size_t i = 0; i < batch->count; i++)
		drop(&batch->entries[i]);
	for (size_t i = 0; i < batch->waiting_count; i++)
		drop(&batch->waiting[i]);
	free(batch->waiting);
	free(batch);
}
