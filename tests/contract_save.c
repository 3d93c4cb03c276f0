/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* contract_save.c: saving, ids, deleting, and many saves as one. */
#include "contract.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void saving_again(struct tokeep *tk)
{
	char first[64], again[64];
	struct tokeep_token *t;

	is_result(tk, save(tk, first, USER, "alice", CLIENT, "c1", REFRESH, "r1", ACCESS, "a1", EXPIRY, "1000", END), 0,
		  "a token is saved");
	is_result(tk, save(tk, again, USER, "alice", CLIENT, "c1", ACCESS, "a2", EXPIRY, "2000", END), 0,
		  "and saved again");
	is_str(again, first, "saving again keeps the id");
	is_int(rows(tk), 1, "saving again replaces");
	is_str(found(tk, "alice", "c1", ACCESS), "a2", "the new value is there");
	is_str(found(tk, "alice", "c1", REFRESH), "r1", "an absent field erases nothing");
	save(tk, NULL, USER, "alice", CLIENT, "c1", REFRESH, "", ACCESS, "a3", END);
	is_str(found(tk, "alice", "c1", REFRESH), "r1", "neither does an empty one");

	t = token(USER, "alice", CLIENT, "c1", ACCESS, "a4", END);
	is_result(tk, tokeep_save_token(tk, t), 0, "a token without an id is saved");
	is_str(tokeep_token_get(t, ID), first, "a save tells the id");
	is_str(tokeep_token_get(t, REFRESH), NULL, "and changes nothing else in the caller's token");
	tokeep_token_free(t);
}

static void what_is_saved_by(struct tokeep *tk)
{
	char id[64], again[64];

	save(tk, id, REFRESH, "r1", ACCESS, "a1", END);
	is_int(rows(tk), 1, "a token without a user is saved");
	save(tk, again, REFRESH, "r1", CLIENT, "c1", ACCESS, "a2", END);
	is_str(again, id, "without a user the refresh token tells whose row it is");
	is_str(found_id(tk, id, ACCESS), "a2", "it is updated");
	is_str(found_id(tk, id, CLIENT), "c1", "and a row without a client is completed");
	save(tk, again, GRANT, "g1", REFRESH, "r1", ACCESS, "a3", END);
	ok(strcmp(again, id) != 0, "a grant token decides before the refresh token");
	tokeep_delete_tokens(tk);

	save(tk, id, ACCESS, "a1", END);
	save(tk, again, ACCESS, "a1", EXPIRY, "5", END);
	is_str(again, id, "an access token alone tells whose row it is");
	tokeep_delete_tokens(tk);

	is_result(tk, save(tk, NULL, USER, "alice", CLIENT, "c1", EXPIRY, "5", END), TOKEEP_EINVAL,
		  "a token with nothing to keep is refused");
	is_result(tk, save(tk, NULL, END), TOKEEP_EINVAL, "and so is an empty one");
	is_int(rows(tk), 0, "neither leaves a row");
}

static void clients_and_users(struct tokeep *tk)
{
	save(tk, NULL, USER, "alice", CLIENT, "c1", ACCESS, "alice-c1", END);
	save(tk, NULL, USER, "alice", CLIENT, "c2", ACCESS, "alice-c2", END);
	save(tk, NULL, USER, "bob", CLIENT, "c1", ACCESS, "bob-c1", END);
	is_int(rows(tk), 3, "two clients of a user and two users of a client are three rows");
	for (int i = 0; i < 10; i++) {
		char access[32];

		snprintf(access, sizeof(access), "alice-c1-%d", i);
		save(tk, NULL, USER, "alice", CLIENT, "c1", ACCESS, access, END);
	}
	is_int(rows(tk), 3, "renewing one ten times adds none");
	is_str(found(tk, "alice", "c1", ACCESS), "alice-c1-9", "the renewed one is new");
	is_str(found(tk, "alice", "c2", ACCESS), "alice-c2", "the other client's is as it was");
	is_str(found(tk, "bob", "c1", ACCESS), "bob-c1", "and so is the other user's");
	is_result(tk, save(tk, NULL, USER, "alice", ACCESS, "whose?", END), TOKEEP_EAMBIGUOUS,
		  "saving for a user with two clients without naming one is ambiguous");
	is_str(found(tk, "alice", "c1", ACCESS), "alice-c1-9", "and changes neither");
	is_str(found(tk, "alice", "c2", ACCESS), "alice-c2", "of the two");
	is_int(rows(tk), 3, "nor adds one");

	save(tk, NULL, USER, "carol", ACCESS, "carol", END);
	save(tk, NULL, USER, "carol", CLIENT, "c1", ACCESS, "carol-c1", END);
	is_str(found(tk, "carol", NULL, ACCESS), "carol-c1", "a row without a client is completed by the first that comes");
	save(tk, NULL, USER, "carol", CLIENT, "c2", ACCESS, "carol-c2", END);
	is_int(rows(tk), 5, "the second client gets a row of its own");
}

static void saving_by_id(struct tokeep *tk)
{
	char id[64], other[64];
	long last;

	save(tk, id, USER, "alice", CLIENT, "c1", REFRESH, "r1", ACCESS, "a1", END);
	is_result(tk, save(tk, NULL, ID, id, REFRESH, "r2", ACCESS, "a2", END), 0, "a row is saved by its id alone");
	is_int(rows(tk), 1, "a refresh token that changed leaves one row");
	is_str(found(tk, "alice", "c1", REFRESH), "r2", "with the new refresh token");
	is_result(tk, save(tk, NULL, ID, id, USER, "bob", ACCESS, "evil", END), TOKEEP_EINVAL,
		  "the id of another user's row is refused");
	is_result(tk, save(tk, NULL, ID, id, USER, "alice", CLIENT, "c2", ACCESS, "evil", END), TOKEEP_EINVAL,
		  "the id of another client's row is refused");
	is_str(found(tk, "alice", "c1", ACCESS), "a2", "the row is as it was");
	is_int(rows(tk), 1, "and the only one");

	is_result(tk, save(tk, NULL, ID, "4711", USER, "bob", ACCESS, "b1", END), 0, "an unknown id is inserted");
	is_str(found_id(tk, "4711", USER), "bob", "with that id");
	save(tk, other, USER, "carol", ACCESS, "c1", END);
	is_str(other, "4712", "the next id is the numeric maximum plus one");
	is_result(tk, save(tk, NULL, ID, "007", USER, "dave", ACCESS, "d", END), 0, "007 is an id");
	save(tk, other, USER, "heidi", ACCESS, "h", END);
	is_str(other, "4713", "a smaller one does not change what comes next");
	is_result(tk, save(tk, NULL, ID, "abc", USER, "erin", ACCESS, "e", END), 0, "and so is abc");
	is_result(tk, save(tk, NULL, ID, "999999999999999999999", USER, "frank", ACCESS, "f", END), 0,
		  "and a number of 21 digits");
	is_result(tk, save(tk, other, USER, "grace", ACCESS, "g", END), 0, "a new token is saved beside them");
	last = strtol(other, NULL, 10);
	ok(last != 0 && strspn(other, "0123456789") == strlen(other), "with a decimal id");
	is_int(rows(tk), 8, "eight rows have eight ids");
	is_result(tk, tokeep_delete_token(tk, "abc"), 0, "an id that is no number is deleted like any");
	is_str(found(tk, "erin", NULL, ID), "(not_found)", "it is gone");
	is_str(found(tk, "dave", NULL, ID), "007", "no other is");
}

static void deleting(struct tokeep *tk)
{
	char a[64], b[64], c[64], d[64];

	save(tk, a, USER, "alice", ACCESS, "a", END);
	save(tk, b, USER, "bob", ACCESS, "b", END);
	save(tk, c, USER, "carol", ACCESS, "c", END);
	is_result(tk, tokeep_delete_token(tk, b), 0, "a token is deleted by its id");
	is_str(found(tk, "bob", NULL, ID), "(not_found)", "it is gone");
	is_int(rows(tk), 2, "the others are not");
	is_result(tk, tokeep_delete_token(tk, b), TOKEEP_ENOTFOUND, "deleting it once more finds nothing");
	is_result(tk, tokeep_delete_token(tk, "4711"), TOKEEP_ENOTFOUND, "nor does an id that never was");
	save(tk, d, USER, "dave", ACCESS, "d", END);
	ok(strcmp(d, a) && strcmp(d, b) && strcmp(d, c), "the id of a deleted token is not given again");
	tokeep_delete_token(tk, d);
	save(tk, c, USER, "erin", ACCESS, "e", END);
	ok(strcmp(c, d), "not even when it was the last one");
	is_result(tk, tokeep_delete_tokens(tk), 0, "all are deleted");
	is_int(rows(tk), 0, "nothing is left");
	is_result(tk, tokeep_delete_tokens(tk), 0, "an empty store can be emptied");
	is_result(tk, save(tk, NULL, USER, "alice", ACCESS, "a", END), 0, "and filled again");
	is_str(found(tk, "alice", NULL, ACCESS), "a", "with what was saved");
}

/* Does any file in our folder hold this? */
static bool folder_holds(const char *needle)
{
	char command[512];

	snprintf(command, sizeof(command), "grep -rqaF -e '%s' '%s'", needle, subject.folder);
	return !system(command);
}

static void nothing_is_left_on_disk(struct tokeep *tk)
{
	static const char canary[] = "canary-5b1f0c";
	char name[64];

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		save(tk, NULL, USER, name, REFRESH, canary, ACCESS, "a", END);
	}
	if (!folder_holds(canary)) {
		is_int(rows(tk), 50, "the tokens are not in our folder");
		return;
	}
	is_result(tk, tokeep_delete_tokens(tk), 0, "all tokens are deleted");
	ok(!folder_holds(canary), "no file holds a deleted token any more, nor a free page of one");
}

static void the_eleventh_and_the_thousandth(struct tokeep *tk)
{
	int r = 0, right = 0, n;
	char name[32], id[64];

	for (n = 1; !r && n <= 12; n++) {
		snprintf(name, sizeof(name), "user%d", n);
		r = save(tk, NULL, USER, name, ACCESS, name, END);
	}
	is_result(tk, r, 0, "the 11th and 12th token are saved like the first");
	is_int(rows(tk), 12, "twelve tokens are twelve rows");
	r = tokeep_begin(tk);
	for (; !r && n <= 999; n++) {
		snprintf(name, sizeof(name), "user%d", n);
		r = save(tk, NULL, USER, name, ACCESS, name, END);
	}
	is_result(tk, r, 0, "999 are saved");
	is_result(tk, tokeep_commit(tk, 1), 0, "many as one");
	is_result(tk, save(tk, id, USER, "user1000", ACCESS, "user1000", END), 0, "the 1,000th is saved like the first");
	is_int(rows(tk), 1000, "a thousand tokens are a thousand rows");
	for (n = 1; n <= 1000; n++) {
		snprintf(name, sizeof(name), "user%d", n);
		right += !strcmp(found(tk, name, NULL, ACCESS), name);
	}
	is_int(right, 1000, "each of them is found");
	is_str(found_id(tk, id, USER), "user1000", "the last one by its id, too");
}

static void batches(struct tokeep *tk)
{
	struct tokeep *other;
	char id[64];

	save(tk, id, USER, "alice", ACCESS, "a1", END);
	is_result(tk, tokeep_begin(tk), 0, "a batch begins");
	save(tk, NULL, USER, "bob", ACCESS, "b1", END);
	save(tk, NULL, USER, "bob", ACCESS, "b2", END);
	is_str(found(tk, "bob", NULL, ACCESS), "b2", "a batch sees what it has saved");
	is_result(tk, save(tk, NULL, ID, id, USER, "eve", ACCESS, "e", END), TOKEEP_EINVAL,
		  "a save that is refused ends no batch");
	is_result(tk, save(tk, NULL, USER, "carol", ACCESS, "c1", END), 0, "the next one is taken");
	is_result(tk, tokeep_commit(tk, 1), 0, "the batch is kept");
	is_int(rows(tk), 3, "all of it is there, each once");
	if (!subject.batches) {
		ok(true, "without batches every save counts at once");
		return;
	}
	tokeep_begin(tk);
	save(tk, NULL, USER, "alice", ACCESS, "a2", END);
	save(tk, NULL, USER, "dave", ACCESS, "d1", END);
	is_result(tk, tokeep_commit(tk, 0), 0, "a batch is rolled back");
	is_str(found(tk, "alice", NULL, ACCESS), "a1", "what it changed is as before");
	is_int(rows(tk), 3, "what it added is gone");
	other = context();
	tokeep_begin(other);
	save(other, NULL, USER, "erin", ACCESS, "e1", END);
	tokeep_free(other);
	is_int(rows(tk), 3, "a batch that nobody keeps is not kept");
	is_result(tk, save(tk, NULL, USER, "frank", ACCESS, "f1", END), 0, "and blocks nobody");
}

const struct part save_parts[] = {
	{ "saving-again", saving_again },
	{ "what-is-saved-by", what_is_saved_by },
	{ "clients-and-users", clients_and_users },
	{ "saving-by-id", saving_by_id },
	{ "deleting", deleting },
	{ "nothing-is-left-on-disk", nothing_is_left_on_disk },
	{ "the-eleventh-and-the-thousandth", the_eleventh_and_the_thousandth },
	{ "batches", batches },
	{ 0 }
};
