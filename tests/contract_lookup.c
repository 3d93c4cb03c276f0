/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* contract_lookup.c: whatever is asked, the right record comes, or none; never another account's. */
#include "contract.h"

#include <stdio.h>
#include <string.h>

/*
 * Every combination of selectors, against the rule written a second time
 */

#define ROWS 6

/* USER, CLIENT, SECRET, REFRESH, ACCESS, GRANT */
static const char *const planted[ROWS][6] = {
	{ "alice", "c1", "s1", "r-alice-1", "a-alice-1", "g-alice-1" },
	{ "alice", "c2", "s2", "r-alice-2", "a-alice-2", "g-alice-2" },
	{ "bob", "c1", "s1", "r-bob", "a-bob", "g-bob" },
	{ "carol", NULL, NULL, "r-carol", "a-carol", "g-carol" },
	{ "carol", "c1", "s1", "r-shared", "a-shared", "g-shared" },
	{ "dave", "c2", "s2", "r-shared", "a-shared", "g-shared" },
};
static const int planted_fields[6] = { USER, CLIENT, SECRET, REFRESH, ACCESS, GRANT };

/* Absent, empty, wrong, and right ones. */
static const char *const asked[6][8] = {
	{ NULL, "", "nobody", "Alice", "alice", "bob", "carol", "dave" },
	{ NULL, "", "c9", "c1", "c2" },
	{ NULL, "", "s9", "s1" },
	{ NULL, "", "r-none", "r-alice-2", "r-carol", "r-shared" },
	{ NULL, "", "a-none", "a-bob", "a-shared" },
	{ NULL, "", "g-none", "g-alice-1", "g-carol", "g-shared" },
};
static const int asked_count[6] = { 8, 5, 4, 6, 5, 6 };

static bool eq(const char *row, const char *wanted)
{
	return row && !strcmp(row, wanted);
}

static const char *given(const char *selector)
{
	return selector && *selector ? selector : NULL;
}

/* Which planted row the selectors mean: its number, TOKEEP_ENOTFOUND or TOKEEP_EAMBIGUOUS. */
static int expected(const char *const s[6])
{
	const char *user = given(s[0]), *client = given(s[1]), *secret = given(s[2]), *refresh = given(s[3]),
		   *access = given(s[4]), *grant = given(s[5]);
	int key = user ? 0 : access && !client && !secret ? 4 : grant ? 5 : refresh ? 3 : -1;
	int hit = TOKEEP_ENOTFOUND, spare = TOKEEP_ENOTFOUND;

	if (key < 0)
		return TOKEEP_ENOTFOUND;
	for (int i = 0; i < ROWS; i++) {
		if (!eq(planted[i][key], s[key]))
			continue;
		if (key == 4 || !client || eq(planted[i][1], client))
			hit = hit == TOKEEP_ENOTFOUND ? i : TOKEEP_EAMBIGUOUS;
		else if (!planted[i][1])
			spare = spare == TOKEEP_ENOTFOUND ? i : TOKEEP_EAMBIGUOUS;
	}
	return hit == TOKEEP_ENOTFOUND ? spare : hit;
}

static struct tokeep_token *planted_token(int i)
{
	struct tokeep_token *t = token(END);
	char id[16];

	for (int f = 0; f < 6; f++)
		tokeep_token_set(t, planted_fields[f], planted[i][f]);
	snprintf(id, sizeof(id), "%d", i + 1);
	tokeep_token_set(t, ID, id);
	return t;
}

static int plant(struct tokeep *tk)
{
	int r = 0;

	for (int i = 0; !r && i < ROWS; i++) {
		struct tokeep_token *t = planted_token(i);

		r = tokeep_save_token(tk, t);
		tokeep_token_free(t);
	}
	return r;
}

static void tell(const char *const s[6], int got, int want)
{
	printf("#   ");
	for (int f = 0; f < 6; f++)
		if (s[f])
			printf("%s='%s' ", tokeep_field_name(planted_fields[f]), s[f]);
	printf("wanted %d, got %d\n", want, got);
}

/* One question. The number of things wrong with the answer. */
static int ask(struct tokeep *tk, const char *const s[6], const char *id)
{
	struct tokeep_token *t = token(ID, id, USER, s[0], CLIENT, s[1], SECRET, s[2], REFRESH, s[3], ACCESS, s[4],
				       GRANT, s[5], END);
	struct tokeep_token *want;
	int index = expected(s), r;
	bool right;

	want = index < 0 ? copy(t) : planted_token(index); /* a failure leaves the token as it was */
	r = tokeep_find_token(tk, t);
	right = r == (index < 0 ? index : 0) && same(t, want);
	if (!right)
		tell(s, r, index);
	tokeep_token_free(t);
	tokeep_token_free(want);
	return !right;
}

static void all_combinations(struct tokeep *tk)
{
	int at[6] = { 0 }, wrong = 0, f;

	is_result(tk, plant(tk), 0, "six rows of four users are saved");
	do {
		const char *s[6];

		for (f = 0; f < 6; f++)
			s[f] = asked[f][at[f]];
		wrong += ask(tk, s, NULL);
		for (f = 0; f < 6 && ++at[f] == asked_count[f]; f++)
			at[f] = 0;
	} while (f < 6 && wrong < 20);
	ok(!wrong, "28,800 combinations of absent, empty, wrong and right selectors find the right row or none");
}

static void an_id_selects_nothing(struct tokeep *tk)
{
	const char *const none[6] = { NULL }, *const bob[6] = { "bob" }, *const both[6] = { NULL, "c1", "s1" };

	plant(tk);
	ok(!ask(tk, none, "1"), "an id alone finds nothing");
	ok(!ask(tk, bob, "1"), "an id beside a name does not change who is found");
	ok(!ask(tk, both, "1"), "a client with its secret finds nothing");
}

/*
 * Names that look alike
 */

static const char *const lookalikes[] = {
	"alice", "Alice", "ALICE", "alice ", " alice", "alice  ", "alice\t", "\xc3\xa1lice", "a\xcc\x81lice",
	"alic\xc3\xa9", "alic" "e\xcc\x81", "stra\xc3\x9f" "e", "strasse", "stra\xc5\xbfse", "STRASSE",
	"bob\xf0\x9f\x8d\xba", "bob\xf0\x9f\x8d\xa3", "bob", "bob?", "0", "00", "+0", "0.0", "1", "01", "1e0",
	"i", "I", "\xc4\xb1", "\xc4\xb0", "o'brien", "o''brien", "o\\'brien", "a\xc2\xa0" "b", "a b", "ab",
	"\xef\xbc\xa1", "A", "%", "_", "a%", "*", "null", "NULL", "user_name", "'alice'", "\"alice\"",
	"\"", "\"\"", ",", "#alice", "alice\xe2\x80\x8b", "\xef\xbb\xbf" "alice",
};
#define LOOKALIKES (int)(sizeof(lookalikes) / sizeof(*lookalikes))

static void names_that_look_alike(struct tokeep *tk)
{
	int saved = 0, right = 0, by_token = 0, left = 0;
	char id[64];

	for (int i = 0; i < LOOKALIKES; i++)
		saved += !save(tk, NULL, USER, lookalikes[i], REFRESH, lookalikes[i], ACCESS, "a", END);
	is_int(saved, LOOKALIKES, "names that look alike are saved");
	is_int(rows(tk), LOOKALIKES, "each of them as a row of its own");
	for (int i = 0; i < LOOKALIKES; i++) {
		struct tokeep_token *t = token(REFRESH, lookalikes[i], END);

		right += !strcmp(found(tk, lookalikes[i], NULL, REFRESH), lookalikes[i]);
		by_token += !tokeep_find_token(tk, t) && !strcmp(tokeep_token_get(t, USER), lookalikes[i]);
		tokeep_token_free(t);
	}
	is_int(right, LOOKALIKES, "each name finds its own token");
	is_int(by_token, LOOKALIKES, "refresh tokens that look alike find their own user");
	snprintf(id, sizeof(id), "%s", found(tk, "alice", NULL, ID));
	is_result(tk, tokeep_delete_token(tk, id), 0, "one of them is deleted");
	for (int i = 1; i < LOOKALIKES; i++)
		left += !strcmp(found(tk, lookalikes[i], NULL, USER), lookalikes[i]);
	is_int(left, LOOKALIKES - 1, "the others stay");
	is_str(found(tk, "alice", NULL, USER), "(not_found)", "and none of them stands in for it");
}

static void clients_that_look_alike(struct tokeep *tk)
{
	int right = 0;

	for (int i = 0; i < LOOKALIKES; i++)
		save(tk, NULL, USER, "alice", CLIENT, lookalikes[i], ACCESS, lookalikes[i], END);
	is_int(rows(tk), LOOKALIKES, "client ids that look alike are rows of their own");
	for (int i = 0; i < LOOKALIKES; i++)
		right += !strcmp(found(tk, "alice", lookalikes[i], ACCESS), lookalikes[i]);
	is_int(right, LOOKALIKES, "each client id finds its own token");
}

static void ids_are_compared_as_text(struct tokeep *tk)
{
	static const char *const wrong[] = { "", "7 ", " 7", "07", "7.0", "+7", "0x7", "7 or 1=1", "id", "x' or '1'='1",
					     "%", "7\t", "777777777777777777777", "-7" };
	int hits = 0, deleted = 0;

	save(tk, NULL, ID, "7", USER, "alice", ACCESS, "a", END);
	save(tk, NULL, USER, "bob", ACCESS, "b", END);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		hits += strcmp(found_id(tk, wrong[i], USER), "(not_found)") != 0;
		deleted += tokeep_delete_token(tk, wrong[i]) != TOKEEP_ENOTFOUND;
	}
	is_int(hits, 0, "an id is found by its own bytes alone");
	is_int(deleted, 0, "an id that is almost right deletes nothing");
	is_int(rows(tk), 2, "and both rows are still there");
	is_str(found_id(tk, "7", USER), "alice", "the right id finds its row");
}

const struct part lookup_parts[] = {
	{ "all-combinations", all_combinations },
	{ "an-id-selects-nothing", an_id_selects_nothing },
	{ "names-that-look-alike", names_that_look_alike },
	{ "clients-that-look-alike", clients_that_look_alike },
	{ "ids-are-compared-as-text", ids_are_compared_as_text },
	{ 0 }
};
