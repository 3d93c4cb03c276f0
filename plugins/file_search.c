/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* file_search.c: one row among many. */
#include <config.h>

#include "file_search.h"

#include <stdio.h>
#include <string.h>

#include "file.h"

/*
 * Malformed lines
 */

void file_flaws_add(struct file_flaws *flaws, const struct csv_line *line, const char *why)
{
	if (flaws->count < FILE_FLAWS_NAMED) {
		flaws->line[flaws->count] = line->number;
		flaws->why[flaws->count] = why;
	}
	flaws->count++;
}

void file_flaws_report(struct tokeep_backend *be, const struct file_flaws *flaws)
{
	struct file_store *store = file_store(be);

	if (store->flaws_reported || (!flaws->count && !flaws->lost_header))
		return;
	store->flaws_reported = true;
	if (flaws->lost_header)
		tokeep_backend_log(be, TOKEEP_LOG_WARNING, "%s: line 1: the header is missing, so it is taken for a row",
				   store->path);
	for (unsigned long i = 0; i < flaws->count && i < FILE_FLAWS_NAMED; i++)
		tokeep_backend_log(be, TOKEEP_LOG_WARNING, "%s: line %lu: malformed and left as it is: %s",
				   store->path, flaws->line[i], flaws->why[i]);
	if (flaws->count > FILE_FLAWS_NAMED)
		tokeep_backend_log(be, TOKEEP_LOG_WARNING, "%s: and %lu more malformed lines", store->path,
				   flaws->count - FILE_FLAWS_NAMED);
}

int file_flaws_fail(struct tokeep_backend *be, const struct file_flaws *flaws, const char *what)
{
	const char *path = file_store(be)->path, *why = flaws->why[0];
	char lines[FILE_FLAWS_NAMED * 24 + 32] = "", *p = lines;
	const char *end = lines + sizeof(lines);

	if (flaws->count == 1)
		return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s: %s: line %lu is malformed: %s; mend or remove it by hand",
					   path, what, flaws->line[0], why);
	for (unsigned long i = 0; i < flaws->count && i < FILE_FLAWS_NAMED; i++)
		p += snprintf(p, end - p, "%s%lu", i ? ", " : "", flaws->line[i]);
	if (flaws->count > FILE_FLAWS_NAMED)
		snprintf(p, end - p, " and %lu more", flaws->count - FILE_FLAWS_NAMED);
	return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s: %s: lines %s are malformed, the first: %s; mend or remove them by hand",
				   path, what, lines, why);
}

int file_foreign(struct tokeep_backend *be, const struct csv_line *line, const char *why)
{
	return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s: line %lu: %s", file_store(be)->path, line->number, why);
}

/*
 * The search
 */

/* The column that the wanted row tells itself apart by, and its value there. -1: none will do. */
static int key_of(const struct file_search *search, const char **value)
{
	int key = search->id ? TOKEEP_FIELD_ID : tokeep_token_key(search->wanted);

	*value = search->id ? search->id : tokeep_token_get(search->wanted, key);
	return key;
}

/* A sound row: does it fit, and how well? */
static int consider(struct tokeep_backend *be, struct file_search *search, const struct sheet *sheet,
		    const struct csv_row *row, const struct csv_line *line)
{
	struct tokeep_token *token = search->token[0];
	const char *id;
	int r, fit;

	r = sheet_get(sheet, row, token);
	if (r)
		return r;
	id = tokeep_token_get(token, TOKEEP_FIELD_ID);
	fit = search->id ? !strcmp(id, search->id) : tokeep_token_matches(token, search->wanted);
	if (!fit)
		return 0;
	search->count[fit]++;
	search->line[fit] = *line;
	search->token[0] = search->token[fit];
	search->token[fit] = token;
	return 0;
}

/* All lines, or with `careful` false those alone that have the value. *dubious: such a look can't be relied upon. */
static int look(struct tokeep_backend *be, struct file_search *search, struct csv_reader *reader, bool careful,
		bool *dubious)
{
	struct sheet sheet = { .begun = false };
	struct csv_line line;
	struct csv_row row;
	const char *value, *why;
	int r = 0, n, key = key_of(search, &value);
	size_t size = value ? strlen(value) : 0;

	memset(search->count, 0, sizeof(search->count));
	search->flaws = (struct file_flaws){ 0 };
	while (!r && (n = csv_next(reader, &line)) > 0) {
		if (!careful && sheet.columns && !csv_column_is(&line, key, value, size))
			continue;
		switch (sheet_judge(&sheet, &line, &row, &why)) {
		case ROW_FOREIGN:
			return file_foreign(be, &line, why);
		case ROW_MALFORMED:
			file_flaws_add(&search->flaws, &line, why);
			break;
		case ROW_SOUND:
			if (!csv_column_is(&line, key, value, size))
				break;
			*dubious |= row.count < sheet.full; /* perhaps the rest of a torn one above */
			r = consider(be, search, &sheet, &row, &line);
			break;
		default:
			break;
		}
	}
	search->flaws.lost_header = sheet.lost;
	return !r && n < 0 ? file_fail(be, "read") : r;
}

/* Who isn't found may be in a malformed line; a short one that fits may be the rest of a torn one. */
static bool needs_care(const struct file_search *search, bool dubious)
{
	if (search->surveyed)
		return dubious && search->surveyed->count;
	return dubious || !(search->count[1] + search->count[2]);
}

int file_search(struct tokeep_backend *be, struct file_search *search, struct csv_reader *reader)
{
	bool dubious = false;
	const char *value;
	int r, fit;

	for (int i = 0; i < 3; i++)
		if (!search->token[i] && !(search->token[i] = tokeep_token_new()))
			return TOKEEP_ENOMEM;
	search->found = false;
	if (key_of(search, &value) < 0)
		return 0;
	r = look(be, search, reader, false, &dubious);
	if (!r && needs_care(search, dubious)) {
		if (csv_rewind(reader))
			return file_fail(be, "read");
		r = look(be, search, reader, true, &dubious);
	}
	if (r)
		return r;
	fit = search->count[1] ? 1 : 2;
	if (search->count[fit] > 1)
		return tokeep_backend_fail(be, TOKEEP_EAMBIGUOUS, "%s: more than one token fits (line %lu is the last)",
					   file_store(be)->path, search->line[fit].number);
	search->found = search->count[fit];
	search->row = search->token[fit];
	search->place = search->line[fit];
	search->place.bytes = NULL; /* gone with the reader's buffer */
	return 0;
}

void file_search_end(struct file_search *search)
{
	for (int i = 0; i < 3; i++)
		tokeep_token_free(search->token[i]);
}
