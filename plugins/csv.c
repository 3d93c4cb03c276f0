/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* csv.c: lines, fields and quotes, from a file or from memory. */
#include <config.h>

#include "csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Stays in a core's second-level cache. */
#define BUFFER_SIZE (128u << 10)

/*
 * Lines
 */

int csv_open(struct csv_reader *reader, int fd, size_t size)
{
	size_t room = size < BUFFER_SIZE ? size + 1 : BUFFER_SIZE;

	*reader = (struct csv_reader){ .fd = fd, .buffer = malloc(room), .room = room, .size = size, .left = size };
	return reader->buffer ? 0 : -1;
}

void csv_open_memory(struct csv_reader *reader, char *bytes, size_t size)
{
	*reader = (struct csv_reader){ .fd = -1, .buffer = bytes, .room = size, .filled = size, .at_end = true };
}

void csv_close(struct csv_reader *reader)
{
	if (reader->fd < 0)
		return;
	if (reader->buffer)
		explicit_bzero(reader->buffer, reader->room);
	free(reader->buffer);
	reader->buffer = NULL;
}

int csv_rewind(struct csv_reader *reader)
{
	reader->begin = reader->offset = reader->number = 0;
	if (reader->fd < 0)
		return 0;
	reader->filled = 0;
	reader->left = reader->size;
	reader->at_end = false;
	return lseek(reader->fd, 0, SEEK_SET) < 0 ? -1 : 0;
}

static int grow(struct csv_reader *reader)
{
	size_t room = 2 * reader->room;
	char *buffer = malloc(room);

	if (!buffer)
		return -1;
	memcpy(buffer, reader->buffer, reader->filled);
	explicit_bzero(reader->buffer, reader->room);
	free(reader->buffer);
	reader->buffer = buffer;
	reader->room = room;
	return 0;
}

/* Reads on behind what is there. */
static int fill(struct csv_reader *reader)
{
	size_t room;
	ssize_t n;

	if (reader->begin) {
		reader->filled -= reader->begin;
		memmove(reader->buffer, reader->buffer + reader->begin, reader->filled);
		reader->begin = 0;
	}
	if (reader->filled == reader->room && grow(reader))
		return -1;
	room = reader->room - reader->filled;
	do
		n = read(reader->fd, reader->buffer + reader->filled, room < reader->left ? room : reader->left);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	reader->filled += n;
	reader->left -= n;
	reader->at_end = !n || !reader->left;
	return 0;
}

static void take(struct csv_reader *reader, struct csv_line *line, size_t size, size_t end)
{
	line->bytes = size > CSV_LINE_MAX ? NULL : reader->buffer + reader->begin;
	line->size = size;
	line->end = end;
	line->offset = reader->offset;
	reader->begin += size + end;
	reader->offset += size + end;
}

/* Drops the bytes of a line that is too long to be one, up to its LF. */
static int pass_over(struct csv_reader *reader, struct csv_line *line)
{
	size_t size = 0, piece;
	const char *lf = NULL;

	line->offset = reader->offset;
	while (!lf) {
		piece = reader->filled - reader->begin;
		lf = memchr(reader->buffer + reader->begin, '\n', piece);
		if (lf)
			piece = lf - (reader->buffer + reader->begin);
		size += piece;
		reader->begin += piece;
		if (!lf && reader->at_end)
			break;
		if (!lf && fill(reader))
			return -1;
	}
	line->bytes = NULL;
	line->size = size;
	line->end = line->whole = lf != NULL;
	reader->begin += line->end;
	reader->offset += size + line->end;
	return 1;
}

static void skip_mark(struct csv_reader *reader)
{
	if (reader->filled - reader->begin >= 3 && !memcmp(reader->buffer + reader->begin, "\xef\xbb\xbf", 3)) {
		reader->begin += 3;
		reader->offset += 3;
	}
}

int csv_next(struct csv_reader *reader, struct csv_line *line)
{
	size_t seen = 0, have;
	const char *p, *lf;

	if (!reader->room)
		return 0;
	if (!reader->number) {
		while (reader->filled < 3 && !reader->at_end)
			if (fill(reader))
				return -1;
		skip_mark(reader);
	}
	for (;;) {
		p = reader->buffer + reader->begin;
		have = reader->filled - reader->begin;
		lf = have > seen ? memchr(p + seen, '\n', have - seen) : NULL;
		if (lf || reader->at_end)
			break;
		if (have > CSV_LINE_MAX) {
			line->number = ++reader->number;
			return pass_over(reader, line);
		}
		seen = have;
		if (fill(reader))
			return -1;
	}
	if (!lf && !have)
		return 0;
	line->number = ++reader->number;
	line->whole = lf != NULL;
	if (lf)
		have = lf - p;
	if (have && p[have - 1] == '\r')
		take(reader, line, have - 1, 1 + line->whole);
	else
		take(reader, line, have, line->whole);
	return 1;
}

/*
 * Fields
 */

/* Behind the closing quote of a field whose opening one is before p; NULL where there is none. */
static const char *closing(const char *p, const char *end)
{
	while ((p = memchr(p, '"', end - p))) {
		if (++p == end || *p != '"')
			return p;
		p++;
	}
	return NULL;
}

/* Where the field that begins at p ends: at a comma or at `end`. A quote opens only at the start of a field. */
static const char *take_field(const char *p, const char *end, struct csv_field *field)
{
	const char *stop;

	field->quoted = p < end && *p == '"';
	if (field->quoted) {
		field->bytes = p + 1;
		stop = closing(p + 1, end);
		field->size = stop ? stop - p - 2 : end - p - 1;
		return stop;
	}
	stop = memchr(p, ',', end - p);
	if (!stop)
		stop = end;
	field->bytes = p;
	field->size = stop - p;
	return stop;
}

const char *csv_split(const struct csv_line *line, struct csv_row *row)
{
	const char *p = line->bytes, *end = p + line->size;

	row->count = 0;
	row->torn = false;
	if (!p)
		return "longer than 4 MiB";
	if (memchr(p, '\0', line->size))
		return "a NUL byte is in it";
	for (;; p++) {
		if (row->count == CSV_FIELDS_MAX)
			return "more than 64 fields (a comma without quotes?)";
		p = take_field(p, end, &row->field[row->count++]);
		if (!p) {
			row->torn = true;
			return "a quote is not closed";
		}
		if (p == end)
			return NULL;
		if (*p != ',')
			return "text follows a closing quote";
	}
}

static bool is_value(const struct csv_field *field, const char *value, size_t size)
{
	const char *p = field->bytes;

	if (!field->quoted)
		return field->size == size && !memcmp(p, value, size);
	for (const char *end = p + field->size; p < end; p++, value++, size--) {
		if (!size || *p != *value)
			return false;
		p += *p == '"';
	}
	return !size;
}

bool csv_column_is(const struct csv_line *line, int column, const char *value, size_t size)
{
	const char *p = line->bytes, *end = p + line->size;
	struct csv_field field;

	if (!p)
		return false;
	for (; column; column--, p++) {
		if (p < end && *p != '"')
			p = memchr(p, ',', end - p);
		else
			p = take_field(p, end, &field);
		if (!p || p == end || *p != ',')
			return false;
	}
	if (p == end || *p == '"')
		return take_field(p, end, &field) && is_value(&field, value, size);
	return (size_t)(end - p) >= size && !memcmp(p, value, size) && (p + size == end || p[size] == ',');
}

size_t csv_unquote(const struct csv_field *field, char *to)
{
	const char *p = field->bytes, *end = p + field->size;
	char *start = to;

	if (!field->quoted) {
		memcpy(to, p, field->size);
		return field->size;
	}
	while (p < end) {
		*to++ = *p;
		p += *p == '"' ? 2 : 1;
	}
	return to - start;
}

char *csv_copy(char *to, const struct csv_field *field)
{
	size_t quote = field->quoted;

	memcpy(to, field->bytes - quote, field->size + 2 * quote);
	return to + field->size + 2 * quote;
}

char *csv_put(char *to, const char *value, bool quoted)
{
	if (!quoted && !strpbrk(value, ",\"\r\n"))
		return (char *)memcpy(to, value, strlen(value)) + strlen(value);
	*to++ = '"';
	for (; *value; value++) {
		if (*value == '"')
			*to++ = '"';
		*to++ = *value;
	}
	*to++ = '"';
	return to;
}
