/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * file_rows.h: what the lines of a token file mean: the header and its variants, sound and malformed rows, and the way
 * between a row and a token.
 */
#ifndef TOKEEP_PLUGINS_FILE_ROWS_H
#define TOKEEP_PLUGINS_FILE_ROWS_H

#include <tokeep-store.h>
#include "csv.h"

#define SDK_COLUMNS (TOKEEP_FIELD_API_DOMAIN + 1) /* those that every SDK of Zoho has */

/* The header of a file, and where reading it stands. */
struct sheet {
	bool begun;                /* a line that isn't empty was seen */
	bool lost;                 /* and the first was no header */
	int columns;               /* as many as the header has; 0: not known yet */
	int full;                  /* as many fields as a row by an SDK has: 9 or 10 */
	int field[CSV_FIELDS_MAX]; /* TOKEEP_FIELD_... of each column, -1: somebody else's, kept as it is */
	bool torn;                 /* a row above was cut by a line break */
};

enum row_kind {
	ROW_HEADER,
	ROW_BLANK, /* nothing in it, or one field alone: passed over, and kept */
	ROW_SOUND,
	ROW_MALFORMED, /* can't tell whose; kept */
	ROW_FOREIGN    /* the header is none of a token file: leave it alone */
};

/* To be called for every line in turn; those between the header and a line of interest may be left out, then a row
 * shorter than sheet->full may be the rest of a torn one. `why` is for the last two. */
enum row_kind sheet_judge(struct sheet *sheet, const struct csv_line *line, struct csv_row *row, const char **why);

/* Where no line told the columns: an SDK's, or ours too. */
void sheet_assume(struct sheet *sheet, bool sdk_columns_only);

/* The header of a new file, with its line end. Caller frees. */
char *sheet_new_header(bool sdk_columns_only);

/* Sets every field as the row has it. */
int sheet_get(const struct sheet *sheet, const struct csv_row *row, struct tokeep_token *token);

/* Not what belongs in this column; kept all the same, in quotes. */
bool sheet_is_odd(int field, const char *value);

/* The line for a token, without line end: what `old` (NULL: none) has and is as in `was` stays byte for byte. Caller
 * wipes and frees. NULL: no memory. */
char *sheet_put(const struct sheet *sheet, const struct tokeep_token *token, const struct csv_row *old,
		const struct tokeep_token *was, size_t *size);
#endif
