/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * file_search.h: one row among many. Only lines that have the value in the right column are taken apart, so that finding one
 * of ten thousand costs little more than reading the file.
 */
#ifndef TOKEEP_PLUGINS_FILE_SEARCH_H
#define TOKEEP_PLUGINS_FILE_SEARCH_H

#include "file_rows.h"

/* The malformed lines that were met. */
#define FILE_FLAWS_NAMED 5
struct file_flaws {
	unsigned long count;
	unsigned long line[FILE_FLAWS_NAMED]; /* the first ones */
	const char *why[FILE_FLAWS_NAMED];
	bool lost_header;
};
void file_flaws_add(struct file_flaws *flaws, const struct csv_line *line, const char *why);

/* A warning for each, once in a handle's life. */
void file_flaws_report(struct tokeep_backend *be, const struct file_flaws *flaws);
/* TOKEEP_ESTORE: `what`, then the lines. */
int file_flaws_fail(struct tokeep_backend *be, const struct file_flaws *flaws, const char *what);
/* TOKEEP_ESTORE: a file whose header says that it is none of ours. */
int file_foreign(struct tokeep_backend *be, const struct csv_line *line, const char *why);

struct file_search {
	/* By id or, where that is NULL, by what tokeep_token_matches() says. */
	const char *id;
	const struct tokeep_token *wanted;
	/* The flaws of all that is searched, where a survey has shown them: then a quick look may do. */
	const struct file_flaws *surveyed;

	/* What came of it */
	bool found;
	struct tokeep_token *row; /* stays the search's */
	struct csv_line place;    /* without its bytes */
	struct file_flaws flaws; /* complete where nothing was found without a survey */

	struct tokeep_token *token[3]; /* by what tokeep_token_matches() said; 0: to be used next */
	struct csv_line line[3];
	int count[3];
};

/* 0, also where nothing is found; TOKEEP_EAMBIGUOUS and failures. Reads all of it, twice where a quick look isn't
 * enough. */
int file_search(struct tokeep_backend *be, struct file_search *search, struct csv_reader *reader);
void file_search_end(struct file_search *search);
#endif
