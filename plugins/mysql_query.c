/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mysql_query.c: prepared statements, kept as long as the connection; values go in and come out as text. */
#include "mysql_store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *query_text(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return text;
}

/* The connection's failure; where it is gone, so are the statements. */
static int failed(struct store *s, MYSQL_STMT *stmt, int64_t start_ms)
{
	const unsigned int number = stmt ? mysql_stmt_errno(stmt) : mysql_errno(s->db);
	const char *words = stmt ? mysql_stmt_error(stmt) : mysql_error(s->db);
	int r = error_server(s, number, words, connection_clock_ms() - start_ms);

	if (s->lost)
		connection_drop(s);
	return r;
}

/* "{t}" in a statement stands for the table. */
static char *with_table(const struct store *s, const char *sql)
{
	const char *next;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (; (next = strstr(sql, "{t}")); sql = next + 3)
		fprintf(out, "%.*s%s", (int)(next - sql), sql, s->table);
	fputs(sql, out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

int query_command(struct store *s, const char *sql)
{
	const int64_t start = connection_clock_ms();
	char *text = with_table(s, sql);
	struct held held;
	int failure;

	if (!text)
		return error_memory(s);
	connection_hold_sigpipe(&held);
	failure = mysql_real_query(s->db, text, strlen(text));
	connection_release_sigpipe(&held);
	free(text);
	return failure ? failed(s, NULL, start) : 0;
}

static void forget_statement(struct statement *st)
{
	if (st->handle)
		mysql_stmt_close(st->handle);
	free(st->sql);
	memset(st, 0, sizeof(*st));
}

static void wipe_cells(struct store *s)
{
	for (unsigned int i = 0; i < VALUES_MAX; i++) {
		if (s->cells[i].text)
			explicit_bzero(s->cells[i].text, s->cells[i].room);
		free(s->cells[i].text);
	}
	memset(s->cells, 0, sizeof(s->cells));
}

void query_forget(struct store *s)
{
	for (unsigned int i = 0; i < STATEMENTS; i++)
		forget_statement(&s->statements[i]);
	wipe_cells(s);
}

/* The one for this text, or the place of the one that was longest unused. */
static struct statement *place_for(struct store *s, const char *sql)
{
	struct statement *oldest = &s->statements[0];

	for (unsigned int i = 0; i < STATEMENTS; i++) {
		struct statement *st = &s->statements[i];

		if (st->sql && !strcmp(st->sql, sql))
			return st;
		if (st->used < oldest->used)
			oldest = st;
	}
	forget_statement(oldest);
	return oldest;
}

static int prepare(struct store *s, const char *sql, struct statement **statement)
{
	const int64_t start = connection_clock_ms();
	struct statement *st;
	struct held held;
	char *text = NULL;
	int r = 0;

	connection_hold_sigpipe(&held);
	st = place_for(s, sql);
	st->used = ++s->clock;
	if (!st->handle) {
		text = with_table(s, sql);
		st->sql = strdup(sql);
		st->handle = mysql_stmt_init(s->db);
		if (!text || !st->sql || !st->handle)
			r = error_memory(s);
		else if (mysql_stmt_prepare(st->handle, text, strlen(text)))
			r = failed(s, st->handle, start);
	}
	if (r)
		forget_statement(st);
	connection_release_sigpipe(&held);
	free(text);
	*statement = st;
	return r;
}

/* Prepared, executed, and where rows came, all of them here: the connection is free for others. */
static int execute(struct store *s, const char *sql, const char *const values[], unsigned int count,
		   MYSQL_STMT **stmtp)
{
	MYSQL_BIND bind[VALUES_MAX];
	unsigned long length[VALUES_MAX];
	const int64_t start = connection_clock_ms();
	struct statement *statement;
	struct held held;
	MYSQL_STMT *stmt;
	int failure, r = prepare(s, sql, &statement);

	if (r)
		return r;
	stmt = statement->handle;
	if (count > VALUES_MAX || count != mysql_stmt_param_count(stmt) ||
	    mysql_stmt_field_count(stmt) > VALUES_MAX)
		return error_own(s, TOKEEP_EINTERNAL, "%s: wrong number of values", s->doing);
	memset(bind, 0, sizeof(bind));
	for (unsigned int i = 0; i < count; i++) {
		length[i] = values[i] ? strlen(values[i]) : 0;
		bind[i].buffer_type = values[i] ? MYSQL_TYPE_STRING : MYSQL_TYPE_NULL;
		bind[i].buffer = (char *)values[i];
		bind[i].buffer_length = length[i];
		bind[i].length = &length[i];
	}
	connection_hold_sigpipe(&held);
	failure = (count && mysql_stmt_bind_param(stmt, bind)) || mysql_stmt_execute(stmt) ||
		  (mysql_stmt_field_count(stmt) && mysql_stmt_store_result(stmt));
	connection_release_sigpipe(&held);
	if (failure)
		return failed(s, stmt, start);
	s->affected = mysql_stmt_affected_rows(stmt);
	s->warnings = mysql_warning_count(s->db);
	*stmtp = stmt;
	return 0;
}

int query_run(struct store *s, const char *sql, const char *const values[], unsigned int count)
{
	MYSQL_STMT *stmt;
	int r = execute(s, sql, values, count, &stmt);

	if (!r)
		mysql_stmt_free_result(stmt);
	return r;
}

static int make_room(struct store *s, struct cell *cell)
{
	char *text;

	if (cell->room > cell->length)
		return 0;
	text = malloc(cell->length + 1);
	if (!text)
		return error_memory(s);
	if (cell->text)
		explicit_bzero(cell->text, cell->room);
	free(cell->text);
	cell->text = text;
	cell->room = cell->length + 1;
	return 0;
}

static int fetch_cell(struct store *s, MYSQL_STMT *stmt, unsigned int i)
{
	struct cell *cell = &s->cells[i];
	MYSQL_BIND bind = { .buffer_type = MYSQL_TYPE_STRING };
	unsigned long length;
	int r;

	if (cell->null)
		return 0;
	r = make_room(s, cell);
	if (r)
		return r;
	bind.buffer = cell->text;
	bind.buffer_length = cell->room;
	bind.length = &length;
	if (cell->length && mysql_stmt_fetch_column(stmt, &bind, i, 0))
		return failed(s, stmt, connection_clock_ms());
	cell->text[cell->length] = '\0';
	return 0;
}

/* The lengths first, by a bind without a buffer, then each value into room for it. 1: no more. */
static int fetch_row(struct store *s, MYSQL_STMT *stmt)
{
	int r = mysql_stmt_fetch(stmt);

	if (r == MYSQL_NO_DATA)
		return 1;
	if (r && r != MYSQL_DATA_TRUNCATED)
		return failed(s, stmt, connection_clock_ms());
	r = 0;
	for (unsigned int i = 0; !r && i < s->columns; i++)
		r = fetch_cell(s, stmt, i);
	return r;
}

static int bind_cells(struct store *s, MYSQL_STMT *stmt)
{
	MYSQL_BIND bind[VALUES_MAX];

	memset(bind, 0, sizeof(bind));
	s->columns = mysql_stmt_field_count(stmt);
	for (unsigned int i = 0; i < s->columns; i++) {
		bind[i].buffer_type = MYSQL_TYPE_STRING;
		bind[i].length = &s->cells[i].length;
		bind[i].is_null = &s->cells[i].null;
	}
	return mysql_stmt_bind_result(stmt, bind) ? failed(s, stmt, connection_clock_ms()) : 0;
}

int query_rows(struct store *s, const char *sql, const char *const values[], unsigned int count,
	       int (*each)(struct store *s, void *data), void *data)
{
	MYSQL_STMT *stmt;
	int r = execute(s, sql, values, count, &stmt);

	if (r)
		return r;
	r = bind_cells(s, stmt);
	while (!r) {
		r = fetch_row(s, stmt);
		if (!r)
			r = each(s, data);
	}
	if (s->db)
		mysql_stmt_free_result(stmt);
	wipe_cells(s);
	return r > 0 ? 0 : r;
}

const char *query_cell(const struct store *s, unsigned int i)
{
	return s->cells[i].null ? NULL : s->cells[i].text;
}

static int take_number(struct store *s, void *data)
{
	const char *text = query_cell(s, 0);

	*(unsigned long long *)data = text ? strtoull(text, NULL, 10) : 0;
	return 0;
}

int query_number(struct store *s, const char *sql, const char *const values[], unsigned int count,
		 unsigned long long *number)
{
	*number = 0;
	return query_rows(s, sql, values, count, take_number, number);
}

int query_columns(struct store *s, const char *sql, void (*each)(struct store *s, const MYSQL_FIELD *field))
{
	struct statement *statement;
	const MYSQL_FIELD *field;
	MYSQL_RES *columns;
	int r = prepare(s, sql, &statement);

	if (r)
		return r;
	columns = mysql_stmt_result_metadata(statement->handle);
	if (!columns)
		return failed(s, statement->handle, connection_clock_ms());
	while ((field = mysql_fetch_field(columns)))
		each(s, field);
	mysql_free_result(columns);
	forget_statement(statement); /* asked again, it shall look again */
	return 0;
}
