/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sqlite_ids.c: the ids of a table of tokens: decimal numbers of any length, each given once. */
#include "sqlite_rows.h"

#include <stdlib.h>
#include <string.h>

static const char *significant(const char *digits)
{
	return digits + strspn(digits, "0");
}

static bool numeric(const char *id)
{
	return *id && !id[strspn(id, "0123456789")];
}

static bool greater(const char *a, const char *b)
{
	size_t n, m;

	a = significant(a);
	b = significant(b);
	n = strlen(a);
	m = strlen(b);
	return n != m ? n > m : strcmp(a, b) > 0;
}

/* Caller frees. */
static char *successor(const char *digits)
{
	size_t n = strlen(significant(digits));
	char *next = malloc(n + 2);
	size_t i = n + 1;

	if (!next)
		return NULL;
	next[0] = '0';
	memcpy(next + 1, significant(digits), n + 1);
	while (next[--i] == '9')
		next[i] = '0';
	next[i]++;
	if (*next == '0')
		memmove(next, next + 1, n + 1);
	return next;
}

/* The first column of a statement's only row, "0" where there is none. Caller frees. */
static int one_id(struct table *t, enum table_statement which, char **id)
{
	const char *text = "0";
	sqlite3_stmt *s;
	int step, r = table_statement(t, which, &s);

	if (r)
		return r;
	step = sqlite3_step(s);
	if (step == SQLITE_ROW)
		text = (const char *)sqlite3_column_text(s, 0);
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		r = table_fail(t, "looking for the last id");
	else if (!text || !(*id = strndup(text, strspn(text, "0123456789"))))
		r = TOKEEP_ENOMEM;
	table_done(s);
	return r;
}

/* The greatest that was deleted, "0" where that is not remembered. Caller frees. */
static int deleted_id(struct table *t, char **id)
{
	bool remembered;
	int r = table_has(t, TABLE_IDS, &remembered);

	if (r)
		return r;
	if (remembered)
		return one_id(t, TABLE_DELETED_ID, id);
	*id = strdup("0");
	return *id ? 0 : TOKEEP_ENOMEM;
}

int ids_next(struct table *t, struct tokeep_token *token)
{
	char *last = NULL, *deleted = NULL, *next = NULL;
	int r = one_id(t, TABLE_LAST_ID, &last);

	if (!r)
		r = deleted_id(t, &deleted);
	if (!r) {
		next = successor(greater(deleted, last) ? deleted : last);
		r = next ? tokeep_token_set(token, TOKEEP_FIELD_ID, next) : TOKEEP_ENOMEM;
	}
	free(next);
	free(deleted);
	free(last);
	return r;
}

int ids_remember(struct table *t, const char *id)
{
	char *deleted;
	bool remembered;
	int r = table_has(t, TABLE_IDS, &remembered);

	if (r || !remembered || !numeric(id))
		return r;
	r = one_id(t, TABLE_DELETED_ID, &deleted);
	if (r)
		return r;
	if (greater(id, deleted))
		r = table_run(t, TABLE_REMEMBER, id, "remembering an id");
	free(deleted);
	return r;
}

int ids_remember_all(struct table *t)
{
	char *last;
	int r = one_id(t, TABLE_LAST_ID, &last);

	if (r)
		return r;
	r = ids_remember(t, last);
	free(last);
	return r;
}
