/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sqlite_save.c: saving and deleting the rows of a table of tokens, each in a transaction. */
#include "sqlite_rows.h"

#include <string.h>

static int write_row(struct table *t, enum table_statement which, const struct tokeep_token *token,
		     sqlite3_int64 rowid)
{
	sqlite3_stmt *s;
	int n, r = table_statement(t, which, &s);

	if (r)
		return r;
	n = sqlite3_bind_parameter_count(s);
	for (int f = 0; f < n && f < TABLE_FIELDS; f++)
		sqlite3_bind_text(s, f + 1, tokeep_token_get(token, f), -1, SQLITE_STATIC);
	if (which == TABLE_UPDATE)
		sqlite3_bind_int64(s, 1, rowid);
	r = sqlite3_step(s) == SQLITE_DONE ? 0 : table_fail(t, "writing a token");
	table_done(s);
	return r;
}

static bool differs(const struct tokeep_token *row, const struct tokeep_token *token, int field)
{
	const char *a = tokeep_token_get(row, field), *b = tokeep_token_get(token, field);

	return a && b && strcmp(a, b);
}

/* An id belongs to one account for good. */
static int same_account(struct table *t, const struct tokeep_token *row, const struct tokeep_token *token)
{
	static const int fields[] = { TOKEEP_FIELD_USER_NAME, TOKEEP_FIELD_CLIENT_ID };

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (differs(row, token, fields[i]))
			return tokeep_backend_fail(t->be, TOKEEP_EINVAL, "%s: id %s belongs to another %s", t->where,
						   tokeep_token_get(row, TOKEEP_FIELD_ID),
						   tokeep_field_name(fields[i]));
	return 0;
}

static int update(struct table *t, const struct search *search, int which, struct tokeep_token *token)
{
	const struct tokeep_token *row = search->row[which];
	int r = search->id ? same_account(t, row, token) : 0;

	if (!r)
		r = write_row(t, TABLE_UPDATE, token, search->rowid[which]);
	if (!r && !search->id)
		r = tokeep_token_set(token, TOKEEP_FIELD_ID, tokeep_token_get(row, TOKEEP_FIELD_ID));
	return r;
}

static int insert(struct table *t, struct tokeep_token *token)
{
	int r = tokeep_token_get(token, TOKEEP_FIELD_ID) ? 0 : ids_next(t, token);

	return r ? r : write_row(t, TABLE_INSERT, token, 0);
}

/* Inside a transaction. */
static int save(struct table *t, struct tokeep_token *token)
{
	struct search search = { .id = tokeep_token_get(token, TOKEEP_FIELD_ID), .wanted = token };
	int r = search_rows(t, &search);

	if (r > 0)
		r = update(t, &search, r, token);
	else if (r == TOKEEP_ENOTFOUND)
		r = insert(t, token);
	search_end(&search);
	return r;
}

int table_save(struct table *t, struct tokeep_token *token)
{
	int r = table_enter(t);

	return r ? r : table_leave(t, save(t, token));
}

static int swap(struct table *t, struct tokeep_token *token, const char *old)
{
	struct search search = { .id = tokeep_token_get(token, TOKEEP_FIELD_ID) };
	const char *now;
	int r = search_rows(t, &search);

	if (r > 0) {
		now = tokeep_token_get(search.row[r], TOKEEP_FIELD_REFRESH_TOKEN);
		r = strcmp(now ? now : "", old ? old : "") ? TOKEEP_ENOTFOUND : update(t, &search, r, token);
	}
	search_end(&search);
	return r;
}

int table_swap(struct table *t, struct tokeep_token *token, const char *old_refresh_token)
{
	int r = table_enter(t);

	return r ? r : table_leave(t, swap(t, token, old_refresh_token));
}

/* Everything that a save does but the commit: pages go to the disk and are taken back. */
static int rehearse(struct table *t, const struct tokeep_token *token)
{
	struct tokeep_token *copy = tokeep_token_new();
	int r = copy ? copy_token(copy, token) : TOKEEP_ENOMEM;

	if (!r)
		r = save(t, copy);
	if (!r && sqlite3_db_cacheflush(t->db))
		r = table_fail(t, "a save would fail");
	tokeep_token_free(copy);
	return r;
}

int table_probe(struct table *t, const struct tokeep_token *token)
{
	int r = table_begin(t);

	if (r)
		return r;
	r = rehearse(t, token);
	table_commit(t, false);
	return r;
}

/*
 * Deleting
 */

static int delete(struct table *t, const char *id)
{
	int r = table_run(t, TABLE_DELETE, id, "deleting a token");

	if (r)
		return r;
	return sqlite3_changes(t->db) ? ids_remember(t, id) : TOKEEP_ENOTFOUND;
}

int table_delete(struct table *t, const char *id)
{
	int r = table_connect(t); /* no database, no token */

	if (!r)
		r = table_enter(t);
	return r ? r : table_leave(t, delete(t, id));
}

static int clear(struct table *t)
{
	int r = ids_remember_all(t);

	return r ? r : table_run(t, TABLE_DELETE_ALL, NULL, "deleting every token");
}

int table_clear(struct table *t)
{
	int r = table_connect(t);

	if (!r)
		r = table_enter(t);
	if (r)
		return r == TOKEEP_ENOTFOUND ? 0 : r;
	r = clear(t);
	t->emptied = t->emptied || !r;
	return table_leave(t, r);
}
