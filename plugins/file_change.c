/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* file_change.c: what saving and deleting do to a draft. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "file_draft.h"
#include "file_id.h"

/*
 * Bytes
 */

static int make_room(struct file_draft *draft, size_t more)
{
	size_t room = draft->size + more;
	char *bytes;

	if (room <= draft->room)
		return 0;
	room += room / 2;
	bytes = malloc(room);
	if (!bytes)
		return TOKEEP_ENOMEM;
	if (draft->bytes) {
		memcpy(bytes, draft->bytes, draft->size);
		explicit_bzero(draft->bytes, draft->room);
	}
	free(draft->bytes);
	draft->bytes = bytes;
	draft->room = room;
	return 0;
}

/* Puts `size` new bytes in the place of `old_size` bytes; there must be room. */
static void splice(struct file_draft *draft, size_t offset, size_t old_size, const char *bytes, size_t size)
{
	char *place = draft->bytes + offset;

	memmove(place + size, place + old_size, draft->size - offset - old_size);
	memcpy(place, bytes, size);
	draft->size += size - old_size;
	draft->insert_at += size - old_size; /* no change is made behind it */
	draft->changed = true;
}

/*
 * Rows
 */

static bool is_new(const struct tokeep_token *token, const struct tokeep_token *was, int field)
{
	const char *value = tokeep_token_get(token, field), *old = was ? tokeep_token_get(was, field) : NULL;

	return value && (!old || strcmp(value, old));
}

/* Why SDKs could not read the value back. NULL: they can. */
static const char *sdk_refusal(int field, const char *value)
{
	if (strpbrk(value, ",\"\\"))
		return "a comma, quote or backslash is in it, which some SDK of Zoho would spoil";
	if (field == TOKEEP_FIELD_ID && value[strspn(value, "0123456789")])
		return "not a number, which SDKs of Zoho want";
	if (sheet_is_odd(field, value))
		return "not what SDKs of Zoho have there";
	return NULL;
}

int file_draft_refusal(struct tokeep_backend *be, const struct tokeep_token *token, const struct tokeep_token *was)
{
	const char *why;

	for (int f = 0; file_store(be)->sdk_columns && f < SDK_COLUMNS; f++) {
		why = is_new(token, was, f) ? sdk_refusal(f, tokeep_token_get(token, f)) : NULL;
		if (why)
			return tokeep_backend_fail(be, TOKEEP_EINVAL, "%s: %s: %s (columns = \"zoho\")",
						   file_store(be)->path, tokeep_field_name(f), why);
	}
	return 0;
}

static bool is_other(const struct tokeep_token *row, const struct tokeep_token *token, int field)
{
	const char *have = tokeep_token_get(row, field), *given = tokeep_token_get(token, field);

	return have && given && strcmp(have, given);
}

/* An id is not a licence to overwrite somebody else. */
static int check_account(struct tokeep_backend *be, const struct tokeep_token *row, const struct tokeep_token *token)
{
	if (!is_other(row, token, TOKEEP_FIELD_USER_NAME) && !is_other(row, token, TOKEEP_FIELD_CLIENT_ID))
		return 0;
	return tokeep_backend_fail(be, TOKEEP_EINVAL, "%s: the token with the id %s is of another user or client",
				   file_store(be)->path, tokeep_token_get(row, TOKEEP_FIELD_ID));
}

static int update(struct tokeep_backend *be, struct file_draft *draft, const struct file_search *search,
		  struct tokeep_token *saved)
{
	struct csv_line line = search->place;
	struct csv_row row;
	size_t size = 0;
	char *bytes;
	int r;

	r = tokeep_token_merge(saved, search->row);
	if (!r)
		r = file_draft_refusal(be, saved, search->row);
	if (r)
		return r;
	line.bytes = draft->bytes + line.offset;
	csv_split(&line, &row); /* as the search did */
	bytes = sheet_put(&draft->sheet, saved, &row, search->row, &size);
	if (!bytes)
		return TOKEEP_ENOMEM;
	r = make_room(draft, size);
	if (!r)
		splice(draft, line.offset, line.size, bytes, size);
	explicit_bzero(bytes, size);
	free(bytes);
	return r;
}

/*
 * New rows
 */

static int begin_sheet(struct tokeep_backend *be, struct file_draft *draft)
{
	bool sdk_columns = file_store(be)->sdk_columns;
	char *header;
	int r;

	if (!draft->sheet.columns)
		sheet_assume(&draft->sheet, sdk_columns);
	if (draft->sheet.begun)
		return 0;
	header = sheet_new_header(sdk_columns);
	if (!header)
		return TOKEEP_ENOMEM;
	r = make_room(draft, strlen(header));
	if (!r) {
		splice(draft, draft->size, 0, header, strlen(header));
		draft->header_end = draft->size;
		draft->sheet.begun = true;
	}
	free(header);
	return r;
}

/* Before a last line that was cut off; else behind the last, whose style it takes over where no line end follows. */
static int insert_line(struct file_draft *draft, const char *bytes, size_t size)
{
	const char *newline = draft->newline;
	size_t at = draft->insert_at;
	bool open = at == draft->size && at && draft->bytes[at - 1] != '\n';

	if (make_room(draft, size + strlen(newline)))
		return TOKEEP_ENOMEM;
	if (open && draft->bytes[at - 1] == '\r')
		newline = "\n";
	if (open)
		splice(draft, at, 0, newline, strlen(newline));
	splice(draft, draft->insert_at, 0, bytes, size);
	if (!open)
		splice(draft, draft->insert_at, 0, newline, strlen(newline));
	return 0;
}

/* Might this malformed line hold the value? */
static bool may_hold(const struct csv_line *line, const char *value)
{
	if (!line->bytes || strchr(value, '"')) /* which may be written in two ways */
		return true;
	return memmem(line->bytes, line->size, value, strlen(value));
}

/* Might a malformed row be the one that is to be saved? Then a new one would be a second. */
static int check_suspects(struct tokeep_backend *be, struct file_draft *draft, const struct tokeep_token *token)
{
	const char *id = tokeep_token_get(token, TOKEEP_FIELD_ID), *why;
	int key = tokeep_token_key(token);
	const char *value = key < 0 ? NULL : tokeep_token_get(token, key);
	struct file_flaws suspects = { 0 };
	struct sheet sheet = { .begun = false };
	struct csv_reader reader;
	struct csv_line line;
	struct csv_row row;

	if (!draft->flaws.count)
		return 0;
	csv_open_memory(&reader, draft->bytes, draft->size);
	while (csv_next(&reader, &line) > 0) {
		if (sheet_judge(&sheet, &line, &row, &why) != ROW_MALFORMED)
			continue;
		if ((id && csv_column_is(&line, TOKEEP_FIELD_ID, id, strlen(id))) || (value && may_hold(&line, value)))
			file_flaws_add(&suspects, &line, why);
	}
	if (!suspects.count)
		return 0;
	return file_flaws_fail(be, &suspects, "can't tell whether this token is there already");
}

static int give_id(struct file_draft *draft, struct tokeep_token *saved)
{
	char next[FILE_ID_MAX + 2];

	if (tokeep_token_get(saved, TOKEEP_FIELD_ID))
		return 0;
	file_id_next(draft->highest, next);
	return tokeep_token_set(saved, TOKEEP_FIELD_ID, next);
}

static int insert(struct tokeep_backend *be, struct file_draft *draft, struct tokeep_token *saved)
{
	const char *id;
	size_t size = 0;
	char *bytes;
	int r;

	r = check_suspects(be, draft, saved);
	if (!r)
		r = give_id(draft, saved);
	if (!r)
		r = file_draft_refusal(be, saved, NULL);
	if (!r)
		r = begin_sheet(be, draft);
	if (r)
		return r;
	bytes = sheet_put(&draft->sheet, saved, NULL, NULL, &size);
	if (!bytes)
		return TOKEEP_ENOMEM;
	r = insert_line(draft, bytes, size);
	explicit_bzero(bytes, size);
	free(bytes);
	id = tokeep_token_get(saved, TOKEEP_FIELD_ID);
	if (!r)
		file_id_raise(draft->highest, id, strlen(id));
	return r;
}

/*
 * The changes
 */

static int search_draft(struct tokeep_backend *be, struct file_draft *draft, struct file_search *search)
{
	struct csv_reader reader;

	file_flaws_report(be, &draft->flaws);
	search->surveyed = &draft->flaws;
	csv_open_memory(&reader, draft->bytes, draft->size);
	return file_search(be, search, &reader);
}

static int copy(struct tokeep_token *to, const struct tokeep_token *from)
{
	int r = 0;

	for (int f = 0; !r && tokeep_field_name(f); f++)
		r = tokeep_token_set(to, f, tokeep_token_get(from, f));
	return r;
}

/* Without reading all of it. */
static bool may_hold_token(const struct file_draft *draft, const struct tokeep_token *token)
{
	int field = tokeep_token_get(token, TOKEEP_FIELD_ID) ? TOKEEP_FIELD_ID : tokeep_token_key(token);

	return field >= 0 && file_known_may_hold(&draft->known, field, tokeep_token_get(token, field));
}

int file_draft_save(struct tokeep_backend *be, struct file_draft *draft, const struct tokeep_token *token,
		    struct tokeep_token *saved)
{
	struct file_search search = { .id = tokeep_token_get(token, TOKEEP_FIELD_ID), .wanted = token };
	int r = 0;

	if (may_hold_token(draft, token))
		r = search_draft(be, draft, &search);
	if (!r)
		r = copy(saved, token);
	if (!r && search.found)
		r = check_account(be, search.row, token);
	if (!r)
		r = search.found ? update(be, draft, &search, saved) : insert(be, draft, saved);
	if (!r)
		file_known_add(&draft->known, saved);
	file_search_end(&search);
	return r;
}

/* The row with that id, or why not. */
static int find_id(struct tokeep_backend *be, struct file_draft *draft, struct file_search *search)
{
	int r = search_draft(be, draft, search);

	if (r || search->found)
		return r;
	if (draft->flaws.count)
		return file_flaws_fail(be, &draft->flaws, "can't tell whether this token is there");
	return tokeep_backend_fail(be, TOKEEP_ENOTFOUND, "%s: no token has the id %s", file_store(be)->path,
				   search->id);
}

int file_draft_swap(struct tokeep_backend *be, struct file_draft *draft, const struct tokeep_token *token,
		    const char *old_refresh_token)
{
	struct file_search search = { .id = tokeep_token_get(token, TOKEEP_FIELD_ID), .wanted = token };
	struct tokeep_token *saved = tokeep_token_new();
	const char *now = NULL;
	int r = saved ? find_id(be, draft, &search) : TOKEEP_ENOMEM;

	if (!r)
		now = tokeep_token_get(search.row, TOKEEP_FIELD_REFRESH_TOKEN);
	if (!r && strcmp(now ? now : "", old_refresh_token))
		r = tokeep_backend_fail(be, TOKEEP_ENOTFOUND, "%s: the refresh token of id %s is another one by now",
					file_store(be)->path, search.id);
	if (!r)
		r = check_account(be, search.row, token);
	if (!r)
		r = copy(saved, token);
	if (!r)
		r = update(be, draft, &search, saved);
	if (!r)
		file_known_add(&draft->known, saved);
	tokeep_token_free(saved);
	file_search_end(&search);
	return r;
}

int file_draft_delete(struct tokeep_backend *be, struct file_draft *draft, const char *id)
{
	struct file_search search = { .id = id };
	const struct csv_line *line = &search.place;
	int r = find_id(be, draft, &search);
	size_t begin = line->offset, size = line->size + line->end;

	if (r) {
		file_search_end(&search);
		return r;
	}
	if (!line->end && begin) { /* the file ends without a line end, and will */
		size_t newline = begin > 1 && draft->bytes[begin - 2] == '\r' ? 2 : 1;

		begin -= newline;
		size += newline;
	}
	splice(draft, begin, size, "", 0);
	draft->dropped = true;
	file_search_end(&search);
	return 0;
}

int file_draft_clear(struct tokeep_backend *be, struct file_draft *draft)
{
	if (!draft->size)
		return 0;
	draft->size = draft->insert_at = draft->header_end;
	draft->flaws = (struct file_flaws){ 0 };
	draft->changed = draft->dropped = true;
	if (draft->header_end)
		return 0;
	draft->sheet = (struct sheet){ .begun = false };
	return begin_sheet(be, draft);
}
