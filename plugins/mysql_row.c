/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mysql_row.c: rows: read, found and written.
 *
 * The server narrows a search by the column, with whatever collation that has: it may take alice for ALICE or for
 * "alice ", but never misses an equal one. tokeep_token_matches() and strcmp() then have the last word on each row.
 */
#include "mysql_store.h"

#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 500 /* rows of one step through the table */

int row_copy(struct tokeep_token *to, const struct tokeep_token *from)
{
	int r = 0;

	for (int f = 0; !r && f < FIELDS; f++)
		r = tokeep_token_set(to, f, tokeep_token_get(from, f));
	return r;
}

/* Somebody else's value that no token can have, such as one with a line break. */
static int unreadable(struct store *s, int field)
{
	static const char format[] = "the row with the id \"%s\": column %s holds no value of a token (none at all,"
				     " a line break, or more than %d bytes)";
	const char *id = query_cell(s, 0) ? query_cell(s, 0) : "", *name = tokeep_field_name(field);

	tokeep_backend_log(s->be, TOKEEP_LOG_WARNING, format, id, name, TOKEEP_VALUE_MAX);
	return error_own(s, TOKEEP_ESTORE, format, id, name, TOKEEP_VALUE_MAX);
}

/* The row in s->cells, whose columns are those of table_columns(). */
static int read_row(struct store *s, struct tokeep_token *row)
{
	unsigned int i = 0;

	for (int f = 0; f < FIELDS; f++) {
		const char *value;
		int r;

		if (!s->column[f].there)
			continue;
		value = query_cell(s, i);
		if (value && strlen(value) != s->cells[i].length)
			r = TOKEEP_EINVAL; /* a NUL within */
		else
			r = tokeep_token_set(row, f, value);
		i++;
		if (r == TOKEEP_EINVAL || (f == TOKEEP_FIELD_ID && (!value || !*value)))
			return unreadable(s, f);
		if (r)
			return error_memory(s);
	}
	return 0;
}

struct search {
	const struct tokeep_token *wanted; /* NULL: by id */
	const char *id;
	struct tokeep_token *row[3]; /* by what tokeep_token_matches() said */
	int count[3];
	int unreadable; /* the result for a row that could not be read */
};

static int look_at(struct store *s, void *data)
{
	struct search *search = data;
	struct tokeep_token *row = tokeep_token_new();
	int r = row ? read_row(s, row) : error_memory(s), fit;

	if (r) {
		tokeep_token_free(row);
		search->unreadable = r;
		return r == TOKEEP_ENOMEM ? r : 0;
	}
	if (search->wanted)
		fit = tokeep_token_matches(row, search->wanted);
	else
		fit = !strcmp(tokeep_token_get(row, TOKEEP_FIELD_ID), search->id);
	search->count[fit]++;
	tokeep_token_free(search->row[fit]);
	search->row[fit] = row;
	return 0;
}

static int search_by(struct store *s, int field, const char *value, const char *suffix, struct search *search)
{
	char *columns = table_columns(s);
	char *sql = columns ? query_text("SELECT %s FROM `{t}` WHERE `%s` = ?%s", columns,
					 tokeep_field_name(field), suffix) : NULL;
	int r = sql ? query_rows(s, sql, &value, 1, look_at, search) : error_memory(s);

	free(columns);
	free(sql);
	/* The value has characters that the column's set has not: no row can have it. */
	return r && s->failure == ER_CANT_AGGREGATE_2COLLATIONS ? 0 : r;
}

static int take_result(struct store *s, struct search *search, struct tokeep_token *row)
{
	const int fit = search->count[1] ? 1 : 2;

	if (search->count[fit] == 1)
		return row_copy(row, search->row[fit]) ? error_memory(s) : 0;
	if (search->count[fit])
		return error_own(s, TOKEEP_EAMBIGUOUS, "more than one token fits");
	/* It may be the one that could not be read: then nobody can tell. */
	return search->unreadable ? search->unreadable : error_own(s, TOKEEP_ENOTFOUND, "no such token");
}

static int settle(struct store *s, struct search *search, int r, struct tokeep_token *row)
{
	if (!r)
		r = take_result(s, search, row);
	for (int i = 0; i < 3; i++)
		tokeep_token_free(search->row[i]);
	return r;
}

int row_find(struct store *s, const struct tokeep_token *wanted, struct tokeep_token *row)
{
	const int key = tokeep_token_key(wanted);
	struct search search = { .wanted = wanted };
	int r;

	if (key < 0 || !s->has_table)
		return error_own(s, TOKEEP_ENOTFOUND, "no such token");
	r = search_by(s, key, tokeep_token_get(wanted, key), "", &search);
	return settle(s, &search, r, row);
}

int row_find_id(struct store *s, const char *id, bool lock, struct tokeep_token *row)
{
	struct search search = { .id = id };
	int r;

	if (!s->has_table)
		return error_own(s, TOKEEP_ENOTFOUND, "no token has the id %s", id);
	r = search_by(s, TOKEEP_FIELD_ID, id, lock ? " FOR UPDATE" : "", &search);
	r = settle(s, &search, r, row);
	return r == TOKEEP_ENOTFOUND ? error_own(s, r, "no token has the id %s", id) : r;
}

static bool differs(const struct tokeep_token *row, const struct tokeep_token *token, int field)
{
	const char *have = tokeep_token_get(row, field), *value = tokeep_token_get(token, field);

	return value && (!have || strcmp(have, value));
}

int row_holds(struct store *s, const char *id, const struct tokeep_token *token)
{
	struct tokeep_token *row = tokeep_token_new();
	int r = row ? row_find_id(s, id, true, row) : error_memory(s);

	for (int f = TOKEEP_FIELD_ID + 1; !r && f < FIELDS; f++)
		if (s->column[f].there && differs(row, token, f))
			r = error_own(s, TOKEEP_ENOTFOUND, "not written");
	tokeep_token_free(row);
	return r;
}

/*
 * Writing
 */

/* Strict mode leaves no warnings; a server that has its own mind about that truncates. */
static int check_written(struct store *s)
{
	if (s->warnings)
		return error_own(s, TOKEEP_ESTORE, "%s: the server warned that it would not keep the values as they are:"
				 " nothing was written; see sql_mode", s->doing);
	if (s->affected != 1)
		return error_own(s, TOKEEP_ESTORE, "%s: %llu rows instead of one were met: nothing was written; is id"
				 " the primary key?", s->doing, s->affected);
	return 0;
}

static char *update_statement(const bool set[FIELDS])
{
	const char *comma = "";
	char *sql = NULL;
	size_t size;
	FILE *out = open_memstream(&sql, &size);

	if (!out)
		return NULL;
	fputs("UPDATE `{t}` SET ", out);
	for (int f = 0; f < FIELDS; f++) {
		if (!set[f])
			continue;
		fprintf(out, "%s`%s` = ?", comma, tokeep_field_name(f));
		comma = ", ";
	}
	fputs(" WHERE `id` = ?", out);
	if (fclose(out)) {
		free(sql);
		return NULL;
	}
	return sql;
}

int row_update(struct store *s, const struct tokeep_token *row, const struct tokeep_token *token)
{
	const char *values[VALUES_MAX];
	bool set[FIELDS] = { false };
	unsigned int n = 0;
	char *sql;
	int r = 0;

	for (int f = TOKEEP_FIELD_ID + 1; !r && f < FIELDS; f++) {
		set[f] = s->column[f].there && differs(row, token, f);
		if (!set[f])
			continue;
		values[n] = tokeep_token_get(token, f);
		r = table_fits(s, f, values[n++]);
	}
	if (r || !n)
		return r;
	values[n++] = tokeep_token_get(row, TOKEEP_FIELD_ID);
	sql = update_statement(set);
	r = sql ? query_run(s, sql, values, n) : error_memory(s);
	free(sql);
	return r ? r : check_written(s);
}

static char *insert_statement(const struct store *s, unsigned int count)
{
	char *columns = table_columns(s), *sql = NULL;
	size_t size;
	FILE *out = columns ? open_memstream(&sql, &size) : NULL;

	if (out) {
		fprintf(out, "INSERT INTO `{t}` (%s) VALUES (", columns);
		for (unsigned int i = 0; i < count; i++)
			fputs(i ? ", ?" : "?", out);
		fputc(')', out);
		if (fclose(out)) {
			free(sql);
			sql = NULL;
		}
	}
	free(columns);
	return sql;
}

int row_insert(struct store *s, const char *id, const struct tokeep_token *token)
{
	const char *values[VALUES_MAX];
	unsigned int n = 0;
	char *sql;
	int r = 0;

	for (int f = 0; !r && f < FIELDS; f++) {
		const char *value = f == TOKEEP_FIELD_ID ? id : tokeep_token_get(token, f);

		if (!s->column[f].there)
			continue;
		r = table_fits(s, f, value);
		if (!value && s->column[f].required)
			value = ""; /* absent, too */
		values[n++] = value;
	}
	if (r)
		return r;
	sql = insert_statement(s, n);
	r = sql ? query_run(s, sql, values, n) : error_memory(s);
	free(sql);
	return r ? r : check_written(s);
}

int row_delete(struct store *s, const char *id)
{
	const char *const values[] = { id, id };
	int r = query_run(s, "DELETE FROM `{t}` WHERE `id` = ?"
			     " AND CAST(CONVERT(`id` USING utf8mb4) AS BINARY) = CAST(? AS BINARY)", values, 2);

	if (!r && !s->affected)
		return error_own(s, TOKEEP_ENOTFOUND, "no token has the id %s", id);
	return r;
}

/*
 * All of them, page by page along the primary key: memory stays constant, and between two pages the connection is free
 * for other calls. Ids of one length at a time, so that 2 comes before 10.
 */

struct page {
	struct tokeep_token *row[PAGE];
	int count;
	int read;     /* of the table, the unreadable included */
	int unreadable;
	char *last_id;
	unsigned long long length; /* of the ids */
};

static int add_to_page(struct store *s, void *data)
{
	struct page *page = data;
	struct tokeep_token *row = tokeep_token_new();
	int r = row ? read_row(s, row) : error_memory(s);

	free(page->last_id);
	page->last_id = strdup(query_cell(s, 0) ? query_cell(s, 0) : "");
	page->read++;
	if (!r) {
		page->row[page->count++] = row;
		row = NULL; /* transferred */
	}
	tokeep_token_free(row);
	if (r == TOKEEP_ESTORE) {
		page->unreadable++;
		r = 0;
	}
	return r || page->last_id ? r : error_memory(s);
}

static int read_page(struct store *s, void *data)
{
	struct page *page = data;
	char length[24];
	const char *const values[] = { page->last_id, length };
	char *columns = table_columns(s);
	char *sql = columns ? query_text("SELECT %s FROM `{t}` WHERE `id` > ? AND CHAR_LENGTH(`id`) = ?"
					 " ORDER BY `id` LIMIT %d", columns, PAGE) : NULL;
	int r;

	snprintf(length, sizeof(length), "%llu", page->length);
	page->read = 0;
	r = sql ? query_rows(s, sql, values, 2, add_to_page, page) : error_memory(s);
	free(columns);
	free(sql);
	return r;
}

/* Empties the page, whatever the sink says. */
static int put_page(struct page *page, struct tokeep_sink *sink)
{
	int r = 0;

	for (int i = 0; i < page->count; i++) {
		if (!r && sink)
			r = tokeep_sink_put(sink, page->row[i]);
		tokeep_token_free(page->row[i]);
	}
	page->count = 0;
	return r;
}

static int each_of_length(struct store *s, struct page *page, struct tokeep_sink *sink)
{
	int r;

	free(page->last_id);
	page->last_id = strdup("");
	if (!page->last_id)
		return error_memory(s);
	do {
		r = change_read(s, "listing", read_page, page);
		if (!r)
			r = put_page(page, sink);
		else
			put_page(page, NULL);
	} while (!r && page->read == PAGE);
	return r;
}

static int next_length(struct store *s, void *data)
{
	struct page *page = data;
	char after[24];
	const char *const values[] = { after };

	unsigned long long next = 0;
	int r = 0;

	snprintf(after, sizeof(after), "%llu", page->length);
	if (s->has_table)
		r = query_number(s, "SELECT MIN(CHAR_LENGTH(`id`)) FROM `{t}` WHERE CHAR_LENGTH(`id`) > ?", values, 1,
				 &next);
	if (!r)
		page->length = next;
	return r;
}

int row_each(struct store *s, struct tokeep_sink *sink)
{
	struct page page = { .length = 0 };
	int r;

	do {
		r = change_read(s, "listing", next_length, &page);
		if (!r && page.length)
			r = each_of_length(s, &page, sink);
	} while (!r && page.length);
	free(page.last_id);
	if (!r && page.unreadable)
		r = error_own(s, TOKEEP_ESTORE, "listing: %d rows can't be read, see the warnings", page.unreadable);
	return r;
}
