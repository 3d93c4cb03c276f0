/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mysql_write.c: what is done inside a transaction of mysql_change.c: save, swap, probe, delete. */
#include "mysql_store.h"

#include <mysqld_error.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 4 /* for an id */

/*
 * Save, swap, probe
 */

struct save {
	const struct tokeep_token *token;
	const char *old_refresh_token; /* NULL: whatever it is */
	char *id;                      /* of the row that was written */
};

static int set_id(struct store *s, struct save *save, const char *id)
{
	char *copy = strdup(id);

	free(save->id);
	save->id = copy;
	return copy ? 0 : error_memory(s);
}

static bool is_other(const struct tokeep_token *row, const struct tokeep_token *token, int field)
{
	const char *have = tokeep_token_get(row, field), *given = tokeep_token_get(token, field);

	return have && given && strcmp(have, given);
}

static int check_account(struct store *s, const struct tokeep_token *row, const struct tokeep_token *token)
{
	if (!is_other(row, token, TOKEEP_FIELD_USER_NAME) && !is_other(row, token, TOKEEP_FIELD_CLIENT_ID))
		return 0;
	return error_own(s, TOKEEP_EINVAL, "the token with the id %s is of another user or client",
			 tokeep_token_get(row, TOKEEP_FIELD_ID));
}

static int check_unchanged(struct store *s, const struct tokeep_token *row, const char *old_refresh_token)
{
	const char *have = tokeep_token_get(row, TOKEEP_FIELD_REFRESH_TOKEN);

	if (!old_refresh_token || !strcmp(have ? have : "", old_refresh_token))
		return 0;
	return error_own(s, TOKEEP_ENOTFOUND, "the token with the id %s has another refresh token by now",
			 tokeep_token_get(row, TOKEEP_FIELD_ID));
}

/* The row, locked first, is the one that was meant and nobody else's. */
static int update(struct store *s, struct save *save, const char *id)
{
	struct tokeep_token *row = tokeep_token_new();
	int r = row ? row_find_id(s, id, true, row) : error_memory(s);

	if (!r)
		r = check_account(s, row, save->token);
	if (!r)
		r = check_unchanged(s, row, save->old_refresh_token);
	if (!r)
		r = row_update(s, row, save->token);
	if (!r)
		r = set_id(s, save, id);
	tokeep_token_free(row);
	return r;
}

static int insert_with_id(struct store *s, struct save *save, const char *id)
{
	int r = ids_note(s, id); /* first: it locks */

	if (!r)
		r = row_insert(s, id, save->token);
	/* Between our look and this somebody has inserted it. */
	if (r && s->failure == ER_DUP_ENTRY)
		s->again = true;
	return r ? r : set_id(s, save, id);
}

static int insert_with_new_id(struct store *s, struct save *save)
{
	char id[ID_SIZE];
	int r;

	for (int tries = 1;; tries++) {
		r = ids_next(s, id);
		if (!r)
			r = row_insert(s, id, save->token);
		if (!r || s->failure != ER_DUP_ENTRY || tries == TRIES)
			break;
		s->counted = false; /* one that doesn't know of our lock was quicker */
	}
	if (!r)
		r = ids_note(s, id);
	return r ? r : set_id(s, save, id);
}

/* Two may look in vain for the same new user: the look that follows the lock keeps the second from inserting, too. */
static int save_by_rule(struct store *s, struct save *save)
{
	struct tokeep_token *row = tokeep_token_new();
	int r = row ? row_find(s, save->token, row) : error_memory(s);

	if (r == TOKEEP_ENOTFOUND && !s->ids_locked) {
		r = ids_lock(s);
		if (!r)
			r = row_find(s, save->token, row);
	}
	if (r == TOKEEP_ENOTFOUND) {
		r = insert_with_new_id(s, save);
	} else if (!r) {
		r = update(s, save, tokeep_token_get(row, TOKEEP_FIELD_ID));
		if (r == TOKEEP_ENOTFOUND)
			s->again = true; /* deleted since */
	}
	tokeep_token_free(row);
	return r;
}

static int run_save(struct store *s, void *data)
{
	struct save *save = data;
	const char *id = tokeep_token_get(save->token, TOKEEP_FIELD_ID);
	int r;

	if (!id)
		return save_by_rule(s, save);
	r = update(s, save, id);
	if (r == TOKEEP_ENOTFOUND && !save->old_refresh_token)
		r = insert_with_id(s, save, id);
	return r;
}

static int holds_save(struct store *s, void *data)
{
	const struct save *save = data;

	return row_holds(s, save->id, save->token);
}

/* What a batch saved last tells, should its COMMIT get lost, whether it was kept. */
static int remember(struct store *s, const struct tokeep_token *token)
{
	if (!s->batch)
		return 0;
	if (!s->saved)
		s->saved = tokeep_token_new();
	return s->saved && !row_copy(s->saved, token) ? 0 : error_memory(s);
}

int write_save(struct store *s, struct tokeep_token *token)
{
	static const struct change saving = {
		.doing = "saving", .creates = true, .run = run_save, .holds = holds_save,
	};
	struct save save = { .token = token };
	int r = change_run(s, &saving, &save);

	if (!r && tokeep_token_set(token, TOKEEP_FIELD_ID, save.id))
		r = error_memory(s);
	if (!r)
		r = remember(s, token);
	free(save.id);
	return r;
}

int write_swap(struct store *s, struct tokeep_token *token, const char *old_refresh_token)
{
	static const struct change swapping = { .doing = "saving", .run = run_save, .holds = holds_save };
	struct save save = { .token = token, .old_refresh_token = old_refresh_token };
	int r = change_run(s, &swapping, &save);

	if (!r)
		r = remember(s, token);
	free(save.id);
	return r;
}

static int run_probe(struct store *s, void *data)
{
	struct save *save = data;

	return update(s, save, tokeep_token_get(save->token, TOKEEP_FIELD_ID));
}

int write_probe(struct store *s, const struct tokeep_token *token)
{
	static const struct change probing = { .doing = "trying to save", .probes = true, .run = run_probe };
	struct save save = { .token = token };
	int r = change_run(s, &probing, &save);

	free(save.id);
	return r;
}

/*
 * Delete
 */

static int run_delete(struct store *s, void *data)
{
	const char *id = data;
	int r;

	if (!s->has_table)
		return error_own(s, TOKEEP_ENOTFOUND, "no token has the id %s", id);
	r = ids_note(s, id); /* one that an SDK gave: not again */
	return r ? r : row_delete(s, id);
}

static int holds_delete(struct store *s, void *data)
{
	struct tokeep_token *row = tokeep_token_new();
	int r = row ? row_find_id(s, data, true, row) : error_memory(s);

	tokeep_token_free(row);
	if (r == TOKEEP_ENOTFOUND)
		return 0;
	return r ? r : error_own(s, TOKEEP_ENOTFOUND, "not written");
}

int write_delete(struct store *s, const char *id)
{
	static const struct change deleting = { .doing = "deleting", .run = run_delete, .holds = holds_delete };

	return change_run(s, &deleting, (void *)id);
}

static int run_note_all(struct store *s, void *data)
{
	return s->has_table ? ids_note_all(s) : 0;
}

static int run_delete_all(struct store *s, void *data)
{
	int r = run_note_all(s, data);

	if (!r && s->has_table)
		r = query_command(s, "DELETE FROM `{t}`");
	return r;
}

/* Either way the same once more does no harm. */
static int holds_not(struct store *s, void *data)
{
	return error_own(s, TOKEEP_ENOTFOUND, "not written");
}

static int run_truncate(struct store *s, void *data)
{
	return s->has_table ? query_command(s, "TRUNCATE TABLE `{t}`") : 0;
}

/* TRUNCATE leaves nothing in free pages either, but needs a right (DROP) that DELETE doesn't. */
int write_delete_all(struct store *s)
{
	static const struct change noting = { .doing = "deleting", .run = run_note_all, .holds = holds_not };
	static const struct change deleting = { .doing = "deleting", .run = run_delete_all, .holds = holds_not };
	int r;

	if (s->batch)
		return change_run(s, &deleting, NULL);
	r = change_run(s, &noting, NULL);
	if (!r)
		r = change_read(s, "deleting", run_truncate, NULL);
	return r == TOKEEP_ESTORE && !s->lost ? change_run(s, &deleting, NULL) : r;
}

