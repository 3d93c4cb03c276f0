/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sqlite_find.c: finding and listing the rows of a table of tokens. What SQL finds is only a suggestion:
 * tokeep_token_matches() decides, so that no collation has a say.
 */
#include "sqlite_rows.h"

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

int copy_token(struct tokeep_token *to, const struct tokeep_token *from)
{
	int r = 0;

	for (int f = 0; !r && f < TABLE_FIELDS; f++)
		r = tokeep_token_set(to, f, tokeep_token_get(from, f));
	return r;
}

/*
 * Looking for one row
 */

void search_end(struct search *search)
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
	int step = sqlite3_step(s), r = 0;

	table_columns(s, &columns); /* after the first step, for only then SQLite looks whether the layout has changed */
	while (!r && step == SQLITE_ROW && search->count[1] < 2) {
		r = consider(t, s, &columns, search);
		step = sqlite3_step(s);
	}
	if (!r && step != SQLITE_ROW && step != SQLITE_DONE)
		r = table_fail(t, "looking for a token");
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

int search_rows(struct table *t, struct search *search)
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
	r = search_rows(t, search);
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
