/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* file_rows.c: what the lines of a token file mean. */
#include <config.h>

#include "file_rows.h"

#include <stdlib.h>
#include <string.h>

/*
 * The header
 */

static bool says(const struct csv_field *field, const char *name)
{
	return field->size == strlen(name) && !memcmp(field->bytes, name, field->size);
}

/* Columns of SDKs go by their place, for they are named differently; ours, behind them, go by name. */
static int field_of_column(int column, const struct csv_field *name)
{
	for (int f = SDK_COLUMNS; tokeep_field_name(f); f++)
		if (says(name, tokeep_field_name(f)))
			return f;
	return column < SDK_COLUMNS ? column : -1;
}

void sheet_assume(struct sheet *sheet, bool sdk_columns_only)
{
	sheet->columns = sdk_columns_only ? SDK_COLUMNS : TOKEEP_FIELD_STATUS + 1;
	sheet->full = SDK_COLUMNS;
	for (int i = 0; i < sheet->columns; i++)
		sheet->field[i] = i;
}

static enum row_kind read_header(struct sheet *sheet, const struct csv_row *row, const char **why)
{
	bool has_api_domain = row->count >= SDK_COLUMNS;

	if (row->count < SDK_COLUMNS - 1) {
		*why = "not the header of a token file: it has too few columns";
		return ROW_FOREIGN;
	}
	sheet->columns = row->count;
	sheet->full = has_api_domain ? SDK_COLUMNS : SDK_COLUMNS - 1;
	for (int i = 0; i < row->count; i++)
		sheet->field[i] = field_of_column(i, &row->field[i]);
	if (!has_api_domain) /* which an SDK may have added to the rows */
		sheet->field[SDK_COLUMNS - 1] = SDK_COLUMNS - 1;
	return ROW_HEADER;
}

char *sheet_new_header(bool sdk_columns_only)
{
	int columns = 0;
	size_t size = 1;
	char *header, *p;

	while (tokeep_field_name(columns) && !(sdk_columns_only && columns == SDK_COLUMNS))
		size += strlen(tokeep_field_name(columns++)) + 1;
	header = p = malloc(size);
	if (!header)
		return NULL;
	for (int f = 0; f < columns; f++) {
		p = stpcpy(p, tokeep_field_name(f));
		*p++ = f + 1 < columns ? ',' : '\n';
	}
	*p = '\0';
	return header;
}

/*
 * Rows
 */

static bool is_empty(const struct csv_row *row)
{
	for (int i = 0; i < row->count; i++)
		if (row->field[i].size)
			return false;
	return true;
}

/* Digits, or one of these. */
static bool is_made_of(const char *bytes, size_t size, const char *others)
{
	for (size_t i = 0; i < size; i++)
		if ((bytes[i] < '0' || bytes[i] > '9') && !strchr(others, bytes[i]))
			return false;
	return true;
}

/* What looks like the value of a neighbour: no number for a time, or a time for an URL. */
static bool is_odd(int field, const char *value, size_t size)
{
	if (field == TOKEEP_FIELD_EXPIRY_TIME)
		return !is_made_of(value, size, ".eE+-");
	return field == TOKEEP_FIELD_REDIRECT_URL && size > 9 && is_made_of(value, size, "");
}

bool sheet_is_odd(int field, const char *value)
{
	return is_odd(field, value, strlen(value));
}

/* A comma without quotes in one value and a field missing at the end: as many as there should be, but in the wrong
 * columns. Those who write quotes do it right, so what is quoted stands where it belongs. */
static bool is_shifted(const struct csv_row *row)
{
	for (int i = 0; i < row->count && i < SDK_COLUMNS; i++)
		if (!row->field[i].quoted && is_odd(i, row->field[i].bytes, row->field[i].size))
			return true;
	return false;
}

static bool has_stray_cr(const struct csv_row *row)
{
	for (int i = 0; i < row->count; i++) {
		const struct csv_field *field = &row->field[i];
		const char *cr = memchr(field->bytes, '\r', field->size);

		/* Node takes the CR of a line end for a part of the last column that it knows. */
		if (cr && (i != TOKEEP_FIELD_API_DOMAIN || cr + 1 != field->bytes + field->size))
			return true;
	}
	return false;
}

static bool is_too_long(const struct csv_row *row)
{
	for (int i = 0; i < row->count; i++) {
		const struct csv_field *field = &row->field[i];
		size_t size = field->size;

		for (size_t k = 0; size > TOKEEP_VALUE_MAX && field->quoted && k < field->size; k++)
			if (field->bytes[k] == '"') {
				k++; /* stands twice */
				size--;
			}
		if (size > TOKEEP_VALUE_MAX)
			return true;
	}
	return false;
}

static const char *flaw(const struct sheet *sheet, const struct csv_line *line, const struct csv_row *row)
{
	if (!line->whole && row->count < sheet->full)
		return "cut off at the end of the file";
	if (sheet->torn && row->count < sheet->full)
		return "the rest of a row that a line break cut";
	if (row->count > SDK_COLUMNS && row->count != sheet->columns)
		return "more fields than columns (a comma without quotes?)";
	if (!row->field[TOKEEP_FIELD_ID].size)
		return "the id is missing";
	if (is_shifted(row))
		return "expiry_time or redirect_url is none (a comma without quotes before it?)";
	if (memchr(line->bytes, '\r', line->size) && has_stray_cr(row))
		return "a carriage return is in it";
	if (line->size > TOKEEP_VALUE_MAX && is_too_long(row))
		return "a value is longer than 65536 bytes";
	return NULL;
}

/* The first line that isn't empty. */
static enum row_kind judge_first(struct sheet *sheet, const struct csv_line *line, const struct csv_row *row,
				 const char **why)
{
	sheet->begun = true;
	if (!line->whole && row->count < SDK_COLUMNS - 1) {
		*why = "the header is cut off";
		return ROW_FOREIGN;
	}
	if (!*why && says(&row->field[TOKEEP_FIELD_ID], "id"))
		return read_header(sheet, row, why);
	sheet->lost = true;
	return ROW_SOUND; /* or what it turns out to be */
}

enum row_kind sheet_judge(struct sheet *sheet, const struct csv_line *line, struct csv_row *row, const char **why)
{
	enum row_kind kind;

	*why = csv_split(line, row);
	if (!*why && is_empty(row))
		return ROW_BLANK;
	if (!sheet->begun) {
		kind = judge_first(sheet, line, row, why);
		if (kind != ROW_SOUND)
			return kind;
	}
	if (*why) {
		sheet->torn |= row->torn;
		return ROW_MALFORMED;
	}
	if (!sheet->columns) /* without a header the first row tells whose file it is */
		sheet_assume(sheet, row->count <= SDK_COLUMNS);
	if (row->count == 1 && line->whole && !sheet->torn)
		return ROW_BLANK;
	*why = flaw(sheet, line, row);
	if (*why)
		return ROW_MALFORMED;
	sheet->torn = false;
	return ROW_SOUND;
}

/*
 * Tokens
 */

static int field_at(const struct sheet *sheet, int column)
{
	return column < sheet->columns || column < SDK_COLUMNS ? sheet->field[column] : -1;
}

/* With a NUL behind it. Returns where the next may go. */
static char *get_value(const struct csv_field *field, int f, char *to)
{
	size_t size = csv_unquote(field, to);

	if (f == TOKEEP_FIELD_API_DOMAIN && size && to[size - 1] == '\r')
		size--;
	to[size] = '\0';
	return to + size + 1;
}

int sheet_get(const struct sheet *sheet, const struct csv_row *row, struct tokeep_token *token)
{
	const char *value[TOKEEP_FIELD_STATUS + 1] = { NULL };
	size_t size = row->count;
	char *values, *p;
	int r = 0;

	for (int i = 0; i < row->count; i++)
		size += row->field[i].size;
	values = p = malloc(size);
	if (!values)
		return TOKEEP_ENOMEM;
	for (int i = 0; i < row->count; i++) {
		int f = field_at(sheet, i);

		if (f < 0)
			continue;
		value[f] = p;
		p = get_value(&row->field[i], f, p);
	}
	for (int f = 0; !r && tokeep_field_name(f); f++)
		r = tokeep_token_set(token, f, value[f]);
	explicit_bzero(values, size);
	free(values);
	return r;
}

static bool is_kept(const char *value, const char *was)
{
	return value && was ? !strcmp(value, was) : value == was;
}

char *sheet_put(const struct sheet *sheet, const struct tokeep_token *token, const struct csv_row *old,
		const struct tokeep_token *was, size_t *size)
{
	int have = old ? old->count : 0, columns = have > sheet->columns ? have : sheet->columns;
	size_t room = columns;
	char *line, *p;

	for (int i = 0; i < have; i++)
		room += CSV_ROOM(old->field[i].size);
	for (int f = 0; tokeep_field_name(f); f++)
		if (tokeep_token_get(token, f))
			room += CSV_ROOM(strlen(tokeep_token_get(token, f)));
	line = p = malloc(room);
	if (!line)
		return NULL;
	for (int i = 0; i < columns; i++) {
		int f = field_at(sheet, i);
		const char *value = f < 0 ? NULL : tokeep_token_get(token, f);

		if (i)
			*p++ = ',';
		if (i < have && (f < 0 || is_kept(value, tokeep_token_get(was, f))))
			p = csv_copy(p, &old->field[i]);
		else if (value)
			p = csv_put(p, value, sheet_is_odd(f, value));
	}
	*size = p - line;
	return line;
}
