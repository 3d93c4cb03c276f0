/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* contract_list.c: listing by stream. */
#include "contract.h"

#include <stdio.h>
#include <string.h>

struct walk {
	struct tokeep *tk;
	int calls, stop_at, stop_with;
	int right;       /* how many were as they should be */
	char users[512]; /* "alice bob " */
};

static int note(void *data, const struct tokeep_token *t)
{
	struct walk *w = data;
	size_t n = strlen(w->users);

	snprintf(w->users + n, sizeof(w->users) - n, "%s ", tokeep_token_get(t, USER));
	return ++w->calls == w->stop_at ? w->stop_with : 0;
}

static void three(struct tokeep *tk)
{
	save(tk, NULL, USER, "alice", REFRESH, "r-alice", ACCESS, "a-alice", EXPIRY, "1", END);
	save(tk, NULL, USER, "bob", REFRESH, "r-bob", ACCESS, "a-bob", EXPIRY, "2", END);
	save(tk, NULL, USER, "carol", REFRESH, "r-carol", ACCESS, "a-carol", EXPIRY, "3", END);
}

static void all_in_turn(struct tokeep *tk)
{
	struct walk w = { .calls = 0 }, again = { .calls = 0 };

	is_result(tk, tokeep_get_tokens(tk, note, &w), 0, "an empty store is listed");
	is_int(w.calls, 0, "without a row");
	three(tk);
	is_result(tk, tokeep_get_tokens(tk, note, &w), 0, "a store is listed");
	is_str(w.users, "alice bob carol ", "every row once, in the order of their ids");
	save(tk, NULL, USER, "alice", ACCESS, "a-new", END);
	tokeep_get_tokens(tk, note, &again);
	is_str(again.users, "alice bob carol ", "renewing a token does not move it");
}

static void stopping(struct tokeep *tk)
{
	struct walk w = { .stop_at = 2, .stop_with = 77 }, minus = { .stop_at = 1, .stop_with = TOKEEP_ENOTFOUND };

	three(tk);
	is_int(tokeep_get_tokens(tk, note, &w), 77, "what the callback stops with is what comes back");
	is_int(w.calls, 2, "and nothing is listed after it");
	is_int(tokeep_get_tokens(tk, note, &minus), TOKEEP_ENOTFOUND, "a negative number comes back, too");
	is_int(minus.calls, 1, "after one call");
	is_str(found(tk, "carol", NULL, ACCESS), "a-carol", "the store can be used afterwards");
	is_result(tk, save(tk, NULL, USER, "dave", ACCESS, "a-dave", END), 0, "and saved to");
}

static int find_same(void *data, const struct tokeep_token *row)
{
	struct walk *w = data;
	struct tokeep_token *by_name = token(USER, tokeep_token_get(row, USER), END), *by_id = token(END);

	w->calls++;
	if (!tokeep_find_token(w->tk, by_name) && same(by_name, row) &&
	    !tokeep_find_token_by_id(w->tk, tokeep_token_get(row, ID), by_id) && same(by_id, row))
		w->right++;
	tokeep_token_free(by_name);
	tokeep_token_free(by_id);
	return 0;
}

static void finding_meanwhile(struct tokeep *tk)
{
	struct walk w = { .tk = tk };

	three(tk);
	is_result(tk, tokeep_get_tokens(tk, find_same, &w), 0, "a listing goes on while its reader looks things up");
	is_int(w.calls, 3, "every row comes");
	is_int(w.right, 3, "and is found as it was listed");
}

static int save_elsewhere(void *data, const struct tokeep_token *row)
{
	struct walk *w = data;

	if (w->calls++)
		return 0;
	w->right += !save(w->tk, NULL, USER, tokeep_token_get(row, USER), ACCESS, "renewed", END);
	return 0;
}

/* A timer renews what `list` is just printing to a slow terminal. */
static void saving_from_another_context_meanwhile(struct tokeep *tk)
{
	struct walk w = { .tk = context() };

	three(tk);
	is_result(tk, tokeep_get_tokens(tk, save_elsewhere, &w), 0,
		  "a listing goes on while another context saves");
	is_int(w.right, 1, "and the save is not refused");
	is_int(w.calls, 3, "every row comes once");
	is_str(found(tk, "alice", NULL, ACCESS), "renewed", "what was saved is there");
	tokeep_free(w.tk);
}

const struct part list_parts[] = {
	{ "all-in-turn", all_in_turn },
	{ "stopping", stopping },
	{ "finding-meanwhile", finding_meanwhile },
	{ "saving-from-another-context-meanwhile", saving_from_another_context_meanwhile },
	{ 0 }
};
