/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sqlite_rows.c: finding, saving, deleting and listing the rows of a table of tokens. What SQL finds is
 * only a suggestion: tokeep_token_matches() decides, so that no collation has a say.
 */
#include "sqlite_table.h"

#include <stdlib.h>
#include <string.h>

/* A page of get_tokens: between two of them nothing is locked, however slow the reader is. */
#define PAGE_ROWS 64
#define PAGE_BYTES (1 << 20)

/*
 * Reading
 */

/* One column; false: no token may hold this. *r: out of memory. */
static bool read_column(sqlite3_stmt *s, int column, int field, struct tokeep_token *row, int *r)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	if (!text) {
		if (sqlite3_column_type(s, column) != SQLITE_NULL)
			*r = TOKEEP_ENOMEM;
		return true;
	}
	if (strlen(text) != (size_t)sqlite3_column_bytes(s, column))
		return false;
	*r = tokeep_token_set(row, field, text);
	return *r != TOKEEP_EINVAL;
}

static int refuse_row(struct table *t, sqlite3_stmt *s, int field)
{
	return tokeep_backend_fail(t->be, TOKEEP_ESTORE,
				   "%s: table %s: rowid %lld: %s holds what no token can have (a NUL, a line break, "
				   "over %d bytes, or no id): correct or delete that row",
				   t->where, t->name, (long long)sqlite3_column_int64(s, 0),
				   tokeep_field_name(field), TOKEEP_VALUE_MAX);
}

/* The whole row, or TOKEEP_ESTORE with what is wrong with it; then the sound fields are set. */
static int read_row(struct table *t, sqlite3_stmt *s, const struct table_columns *columns,
		    struct tokeep_token *row)
{
	int bad = -1, r = 0;

	for (int f = 0; !r && f < TABLE_FIELDS; f++) {
		tokeep_token_set(row, f, NULL);
		if (columns->of[f] < 0)
			continue;
		if (!read_column(s, columns->of[f], f, row, &r)) {
			bad = f;
			r = 0;
		}
	}
	if (!r && bad < 0 && !tokeep_token_get(row, TOKEEP_FIELD_ID))
		bad = TOKEEP_FIELD_ID;
	return r || bad < 0 ? r : refuse_row(t, s, bad);
}

static int copy_token(struct tokeep_token *to, const struct tokeep_token *from)
{
	int r = 0;

	for (int f = 0; !r && f < TABLE_FIELDS; f++)
		r = tokeep_token_set(to, f, tokeep_token_get(from, f));
	return r;
}

/*
 * Looking for one row
 */

struct search {
	const char *id;                    /* look for this, */
	const struct tokeep_token *wanted; /* or, without, for what fits */
	int count[3];                      /* of rows by what tokeep_token_matches() said */
	struct tokeep_token *row[3];       /* the last of each */
	sqlite3_int64 rowid[3];
	struct tokeep_token *next;         /* scratch */
	int bad;                           /* the result of a row that can't be read, 0: none */
};

static void search_end(struct search *search)
{
	for (int i = 0; i < 3; i++)
		tokeep_token_free(search->row[i]);
	tokeep_token_free(search->next);
}

static int fits(const struct search *search, const struct tokeep_token *row)
{
	const char *id = tokeep_token_get(row, TOKEEP_FIELD_ID);

	return search->id ? id && !strcmp(id, search->id) : tokeep_token_matches(row, search->wanted);
}

static int consider(struct table *t, sqlite3_stmt *s, const struct table_columns *columns, struct search *search)
{
	struct tokeep_token *row = search->next;
	int r, fit;

	if (!row)
		row = search->next = tokeep_token_new();
	if (!row)
		return TOKEEP_ENOMEM;
	r = read_row(t, s, columns, row);
	if (r == TOKEEP_ESTORE)
		search->bad = r; /* another one may be sound */
	if (r)
		return r == TOKEEP_ESTORE ? 0 : r;
	fit = fits(search, row);
	search->count[fit]++;
	search->rowid[fit] = sqlite3_column_int64(s, 0);
	search->next = search->row[fit];
	search->row[fit] = row;
	return 0;
}

static int step_through(struct table *t, sqlite3_stmt *s, struct search *search)
{
	struct table_columns columns;
	int step, r = 0;

	while (!r && search->count[1] < 2 && (step = sqlite3_step(s)) != SQLITE_DONE) {
		if (step != SQLITE_ROW)
			return table_fail(t, "looking for a token");
		/* Now, since a change of the layout by somebody else may have come with the first step. */
		if (!search->next && !search->row[0] && !search->row[1] && !search->row[2])
			table_columns(s, &columns);
		r = consider(t, s, &columns, search);
	}
	return r;
}

/* Which of the rows that fit: 1 exact, 2 one without a client_id; else negative. */
static int choose(struct table *t, const struct search *search)
{
	int which = search->count[1] ? 1 : 2;

	if (search->count[1] != 1 && search->bad)
		return search->bad; /* can't tell: the text is there */
	if (!search->count[which])
		return TOKEEP_ENOTFOUND;
	if (search->count[which] > 1)
		return tokeep_backend_fail(t->be, TOKEEP_EAMBIGUOUS, "%s: more than one token fits", t->where);
	return which;
}

static int statement_for(const struct search *search, enum table_statement *which)
{
	static const struct {
		int field;
		enum table_statement which;
	} keys[] = {
		{ TOKEEP_FIELD_USER_NAME,     TABLE_BY_USER_NAME },
		{ TOKEEP_FIELD_ACCESS_TOKEN,  TABLE_BY_ACCESS_TOKEN },
		{ TOKEEP_FIELD_GRANT_TOKEN,   TABLE_BY_GRANT_TOKEN },
		{ TOKEEP_FIELD_REFRESH_TOKEN, TABLE_BY_REFRESH_TOKEN },
	};
	int key = search->id ? TOKEEP_FIELD_ID : tokeep_token_key(search->wanted);

	*which = TABLE_BY_ID;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i].field == key)
			*which = keys[i].which;
	return key;
}

/* Like choose(), after having looked; search_end() is due in any case. */
static int look(struct table *t, struct search *search)
{
	enum table_statement which;
	int r, key = statement_for(search, &which);
	sqlite3_stmt *s;

	if (key < 0)
		return TOKEEP_ENOTFOUND;
	r = table_statement(t, which, &s);
	if (r)
		return r;
	sqlite3_bind_text(s, 1, search->id ? search->id : tokeep_token_get(search->wanted, key), -1, SQLITE_STATIC);
	r = step_through(t, s, search);
	table_done(s);
	return r ? r : choose(t, search);
}

static int find(struct table *t, struct search *search, struct tokeep_token *token)
{
	int r = table_connect(t);

	if (r)
		return r;
	r = look(t, search);
	if (r > 0)
		r = copy_token(token, search->row[r]);
	search_end(search);
	return table_release(t, r);
}

int table_find(struct table *t, struct tokeep_token *token)
{
	struct search search = { .wanted = token };

	return find(t, &search, token);
}

int table_find_by_id(struct table *t, const char *id, struct tokeep_token *token)
{
	struct search search = { .id = id };

	return find(t, &search, token);
}

/*
 * Ids: decimal numbers of any length
 */

static const char *significant(const char *digits)
{
	return digits + strspn(digits, "0");
}

static bool numeric(const char *id)
{
	return *id && !id[strspn(id, "0123456789")];
}

static bool greater(const char *a, const char *b)
{
	size_t n, m;

	a = significant(a);
	b = significant(b);
	n = strlen(a);
	m = strlen(b);
	return n != m ? n > m : strcmp(a, b) > 0;
}

/* Caller frees. */
static char *successor(const char *digits)
{
	size_t n = strlen(significant(digits));
	char *next = malloc(n + 2);
	size_t i = n + 1;

	if (!next)
		return NULL;
	next[0] = '0';
	memcpy(next + 1, significant(digits), n + 1);
	while (next[--i] == '9')
		next[i] = '0';
	next[i]++;
	if (*next == '0')
		memmove(next, next + 1, n + 1);
	return next;
}

/* The first column of a statement's only row, "0" where there is none. Caller frees. */
static int one_id(struct table *t, enum table_statement which, char **id)
{
	const char *text = "0";
	sqlite3_stmt *s;
	int step, r = table_statement(t, which, &s);

	if (r)
		return r;
	step = sqlite3_step(s);
	if (step == SQLITE_ROW)
		text = (const char *)sqlite3_column_text(s, 0);
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		r = table_fail(t, "looking for the last id");
	else if (!text || !(*id = strndup(text, strspn(text, "0123456789"))))
		r = TOKEEP_ENOMEM;
	table_done(s);
	return r;
}

/* The greatest that was deleted, "0" where that is not remembered. Caller frees. */
static int deleted_id(struct table *t, char **id)
{
	bool remembered;
	int r = table_has(t, TABLE_IDS, &remembered);

	if (r)
		return r;
	if (remembered)
		return one_id(t, TABLE_DELETED_ID, id);
	*id = strdup("0");
	return *id ? 0 : TOKEEP_ENOMEM;
}

static int set_new_id(struct table *t, struct tokeep_token *token)
{
	char *last = NULL, *deleted = NULL, *next = NULL;
	int r = one_id(t, TABLE_LAST_ID, &last);

	if (!r)
		r = deleted_id(t, &deleted);
	if (!r) {
		next = successor(greater(deleted, last) ? deleted : last);
		r = next ? tokeep_token_set(token, TOKEEP_FIELD_ID, next) : TOKEEP_ENOMEM;
	}
	free(next);
	free(deleted);
	free(last);
	return r;
}

/* An id that was deleted is not given again. */
static int remember(struct table *t, const char *id)
{
	char *deleted;
	bool remembered;
	int r = table_has(t, TABLE_IDS, &remembered);

	if (r || !remembered || !numeric(id))
		return r;
	r = one_id(t, TABLE_DELETED_ID, &deleted);
	if (r)
		return r;
	if (greater(id, deleted))
		r = table_run(t, TABLE_REMEMBER, id, "remembering an id");
	free(deleted);
	return r;
}

/*
 * Saving
 */

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
	int r = tokeep_token_get(token, TOKEEP_FIELD_ID) ? 0 : set_new_id(t, token);

	return r ? r : write_row(t, TABLE_INSERT, token, 0);
}

/* Inside a transaction. */
static int save(struct table *t, struct tokeep_token *token)
{
	struct search search = { .id = tokeep_token_get(token, TOKEEP_FIELD_ID), .wanted = token };
	int r = look(t, &search);

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
	int r = look(t, &search);

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
	return sqlite3_changes(t->db) ? remember(t, id) : TOKEEP_ENOTFOUND;
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
	char *last;
	int r = one_id(t, TABLE_LAST_ID, &last);

	if (r)
		return r;
	r = remember(t, last);
	if (!r)
		r = table_run(t, TABLE_DELETE_ALL, NULL, "deleting every token");
	free(last);
	return r;
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

/*
 * Listing
 */

struct page {
	struct tokeep_token *rows[PAGE_ROWS];
	int count;
	sqlite3_int64 next; /* rowid */
	bool last;
	int bad; /* the result of a row that can't be read; 0: none so far */
};

static void page_drop(struct page *page)
{
	while (page->count)
		tokeep_token_free(page->rows[--page->count]);
}

static int page_add(struct table *t, sqlite3_stmt *s, const struct table_columns *columns, struct page *page)
{
	struct tokeep_token *row = tokeep_token_new();
	int r = row ? read_row(t, s, columns, row) : TOKEEP_ENOMEM;

	page->next = sqlite3_column_int64(s, 0);
	page->last = page->next == INT64_MAX;
	page->next += !page->last;
	if (r) {
		tokeep_token_free(row);
		if (r != TOKEEP_ESTORE)
			return r;
		page->bad = r;
		return 0;
	}
	page->rows[page->count++] = row;
	return 0;
}

static int row_size(sqlite3_stmt *s)
{
	int size = 0;

	for (int c = 1; c < sqlite3_column_count(s); c++)
		size += sqlite3_column_bytes(s, c);
	return size;
}

static int page_read(struct table *t, sqlite3_stmt *s, struct page *page)
{
	struct table_columns columns;
	int step = SQLITE_ROW, size = 0, seen = 0, r = 0;

	while (!r && size < PAGE_BYTES && (step = sqlite3_step(s)) == SQLITE_ROW) {
		if (!seen++)
			table_columns(s, &columns);
		r = page_add(t, s, &columns, page);
		size += row_size(s);
	}
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		r = table_fail(t, "listing tokens");
	page->last = page->last || (step == SQLITE_DONE && seen < PAGE_ROWS);
	return r;
}

static int page_fill(struct table *t, struct page *page)
{
	int r = table_connect(t);
	sqlite3_stmt *s;

	if (r)
		return r;
	r = table_statement(t, TABLE_PAGE, &s);
	if (!r) {
		sqlite3_bind_int64(s, 1, page->next);
		sqlite3_bind_int(s, 2, PAGE_ROWS);
		r = page_read(t, s, page);
		table_done(s);
	}
	return table_release(t, r);
}

static int page_put(struct tokeep_sink *sink, const struct page *page)
{
	int r = 0;

	for (int i = 0; !r && i < page->count; i++)
		r = tokeep_sink_put(sink, page->rows[i]);
	return r;
}

int table_get(struct table *t, struct tokeep_sink *sink)
{
	struct page page = { .next = INT64_MIN };
	int r = 0;

	while (!r && !page.last) {
		r = page_fill(t, &page);
		if (!r)
			r = page_put(sink, &page);
		page_drop(&page);
	}
	if (r == TOKEEP_ENOTFOUND && page.next == INT64_MIN)
		r = 0; /* no table: no tokens */
	return r ? r : page.bad;
}
