/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sqlite_rows.h: what finding, saving and numbering the rows of a table have in common. See sqlite_table.h.
 */
#ifndef TOKEEP_PLUGINS_SQLITE_ROWS_H
#define TOKEEP_PLUGINS_SQLITE_ROWS_H

#include "sqlite_table.h"

/* sqlite_find.c: looking for one row. */
struct search {
	const char *id;                    /* look for this, */
	const struct tokeep_token *wanted; /* or, without, for what fits */
	int count[3];                      /* of rows by what tokeep_token_matches() said */
	struct tokeep_token *row[3];       /* the last of each */
	sqlite3_int64 rowid[3];
	struct tokeep_token *next;         /* scratch */
	int bad;                           /* the result of a row that can't be read, 0: none */
};

/* 1 or 2: which of the search's rows it is; else negative. search_end() is due in any case. */
int search_rows(struct table *t, struct search *search);
void search_end(struct search *search);

/* All fields. */
int copy_token(struct tokeep_token *to, const struct tokeep_token *from);

/* sqlite_ids.c: ids are decimal numbers of any length; others are kept but don't count. */

/* Gives the token the numeric maximum plus one, of the table and, where that is remembered, of what was deleted. */
int ids_next(struct table *t, struct tokeep_token *token);
/* Neither this id nor, with the second, any id of the table will be given again when it has been deleted. */
int ids_remember(struct table *t, const char *id);
int ids_remember_all(struct table *t);
#endif
