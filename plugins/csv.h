/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * csv.h: lines, fields and quotes as in RFC 4180, from a file or from memory. Knows bytes only.
 *
 * A line is a row: a quote that isn't closed on its line spoils this one alone and never swallows those below.
 */
#ifndef TOKEEP_PLUGINS_CSV_H
#define TOKEEP_PLUGINS_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CSV_FIELDS_MAX 64
#define CSV_LINE_MAX (4u << 20)

struct csv_line {
	const char *bytes;    /* valid until the next; NULL where the line is longer than CSV_LINE_MAX */
	size_t size;          /* without the line end */
	size_t end;           /* of the line end: LF, CR LF, none or a lone CR at the end of the file */
	size_t offset;        /* in the file */
	unsigned long number; /* from 1 */
	bool whole;           /* a LF ends it */
};

struct csv_reader {
	int fd; /* -1: from memory */
	char *buffer;
	size_t room, begin, filled;
	size_t offset; /* in the file, of `begin` */
	size_t size, left; /* of the file, and of it to be read */
	unsigned long number;
	bool at_end;
};

/* Reads that many bytes and no more, should the file grow meanwhile. -1 with errno. */
int csv_open(struct csv_reader *reader, int fd, size_t size);
void csv_open_memory(struct csv_reader *reader, char *bytes, size_t size);
int csv_rewind(struct csv_reader *reader); /* -1 with errno */
void csv_close(struct csv_reader *reader); /* wipes; the descriptor stays open */

/* 1: there is one; 0: that was all; -1 with errno. A byte order mark before the first is passed over. */
int csv_next(struct csv_reader *reader, struct csv_line *line);

struct csv_field {
	const char *bytes; /* between the quotes, where it is quoted */
	size_t size;
	bool quoted; /* then each quote stands twice */
};

struct csv_row {
	int count;
	struct csv_field field[CSV_FIELDS_MAX];
	bool torn; /* the last quote is not closed: the row may go on in the next line */
};

/* Splits; NULL, or in words why it can't be told what the fields are. */
const char *csv_split(const struct csv_line *line, struct csv_row *row);

/* Is this the value of that column? Looks no further than there, so it may say yes for a line that csv_split() refuses. */
bool csv_column_is(const struct csv_line *line, int column, const char *value, size_t size);

/* At most field->size bytes; how many. */
size_t csv_unquote(const struct csv_field *field, char *to);

/* Appends the field as it stood in its line, or a value, quoted where it must be or is to be. Returns the new end; CSV_ROOM(size)
 * bytes are enough for a value. */
#define CSV_ROOM(size) (2 * (size) + 2)
char *csv_copy(char *to, const struct csv_field *field);
char *csv_put(char *to, const char *value, bool quoted);
#endif
