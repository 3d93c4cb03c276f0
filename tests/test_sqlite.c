/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_sqlite.c: what `sqlite` makes of tables: its own, those of Zoho's sample, and what others may have put
 * into either. test_sqlite_files.c has the file's side.
 */
#include <sqlite3.h>
#include <time.h>

#include "store.h"

#define ZOHO_TABLE "CREATE TABLE oauthtoken (id varchar(10) NOT NULL, user_name varchar(255), client_id varchar(255), " \
	"client_secret varchar(255), refresh_token varchar(255), access_token varchar(255), " \
	"grant_token varchar(255), expiry_time varchar(20), redirect_url varchar(255), api_domain varchar(255), " \
	"primary key (id))"

static char database[512];

/* As another program would do it. */
static void sql(const char *text)
{
	sqlite3 *db;
	char *why = NULL;

	if (sqlite3_open(database, &db) || sqlite3_exec(db, text, NULL, NULL, &why)) {
		printf("Bail out! %s: %s\n", text, why ? why : sqlite3_errmsg(db));
		exit(1);
	}
	sqlite3_close(db);
	chmod(database, 0600);
}

/* The first value that a query gives. Valid until the next call. */
static const char *ask(const char *text)
{
	static char value[4096];
	sqlite3_stmt *s = NULL;
	sqlite3 *db;

	sqlite3_open(database, &db);
	if (sqlite3_prepare_v2(db, text, -1, &s, NULL) || sqlite3_step(s) != SQLITE_ROW)
		snprintf(value, sizeof(value), "(%s)", sqlite3_errmsg(db));
	else
		snprintf(value, sizeof(value), "%s", (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	sqlite3_close(db);
	return value;
}

static void again(struct store *s)
{
	char config[700];

	snprintf(config, sizeof(config), "store = \"sqlite\"; sqlite = { path = \"%s\"; timeout = 2; };", database);
	if (store_open(s, config)) {
		printf("Bail out! %s\n", said(s));
		exit(1);
	}
}

/* A store on a database that isn't there yet, or on one that `make` makes. */
static void fresh(struct store *s, const char *make)
{
	unlink(database);
	if (make)
		sql(make);
	again(s);
}

static int save_ids(struct store *s, const char *ids, char last[80])
{
	char list[200], *id;
	int r = 0;

	snprintf(list, sizeof(list), "%s", ids);
	for (id = strtok(list, " "); id && !r; id = strtok(NULL, " "))
		r = save(s, last, token(ID, id, ACCESS, "a", END));
	return r;
}

/*
 * The table of Zoho's sample
 */

static void zohos_table_serves_as_it_is(void)
{
	char id[80], layout[4096];
	struct store s;

	fresh(&s, ZOHO_TABLE "; INSERT INTO oauthtoken (id, user_name, client_id, refresh_token, access_token) VALUES "
	      "('9', 'alice@example.com', 'c1', 'r1', 'a1'), ('10', 'bob@example.com', 'c1', 'r2', 'a2')");
	snprintf(layout, sizeof(layout), "%s", ask("SELECT group_concat(sql) || count(*) FROM sqlite_master"));
	is_str(found(&s, REFRESH, token(USER, "alice@example.com", END)), "r1", "a row of Zoho's sample is found");
	is_str(found(&s, ID, token(REFRESH, "r2", END)), "10", "also by its refresh token");
	is_int(save(&s, NULL, token(USER, "alice@example.com", CLIENT, "c1", ACCESS, "a3", SCOPE, "s", END)), 0,
	       "it is updated, and a column that isn't there is left out");
	is_str(ask("SELECT access_token || ',' || refresh_token FROM oauthtoken WHERE id = '9'"), "a3,r1",
	       "what was given is written, what was not stays");
	save(&s, id, token(USER, "carol@example.com", ACCESS, "a4", END));
	is_str(id, "11", "a new id is the numeric maximum plus one, not that of text");
	is_str(ask("SELECT group_concat(sql) || count(*) FROM sqlite_master"), layout,
	       "no column, index or table was added");
	is_int(rows(&s), 3, "every row is listed");
	is_int(backend_delete(s.be, "9"), 0, "a row is deleted");
	is_int(backend_delete_tokens(s.be), 0, "all are deleted");
	is_str(ask("SELECT group_concat(sql) || count(*) FROM sqlite_master"), layout, "the table stays");
	store_close(&s);
}

static void a_table_without_a_column_is_refused(void)
{
	struct store s;
	struct tokeep_token t = token(USER, "alice@example.com", END);

	fresh(&s, "CREATE TABLE oauthtoken (id varchar(255) primary key, user_mail varchar(255))");
	is_int(backend_find(s.be, &t), TOKEEP_ESTORE, "a table of other columns is no empty store");
	has_str(said(&s), "user_name", "the message names the column");
	is_int(save(&s, NULL, token(USER, "alice@example.com", ACCESS, "a", END)), TOKEEP_ESTORE,
	       "nothing is saved there");
	token_clear(&t);
	store_close(&s);
}

/*
 * What others may have put there
 */

static void collations_have_no_say(void)
{
	struct store s;

	fresh(&s, "CREATE TABLE oauthtoken (id text COLLATE NOCASE primary key, user_name text COLLATE NOCASE, client_id, "
	      "client_secret, refresh_token text COLLATE RTRIM, access_token text COLLATE NOCASE, grant_token, "
	      "expiry_time, redirect_url, api_domain);"
	      "INSERT INTO oauthtoken (id, user_name, refresh_token, access_token) VALUES ('aB', 'Alice', 'r1', 'aBc')");
	is_str(found(&s, ID, token(USER, "alice", END)), "(-4)", "alice is not Alice, whatever the column says");
	is_str(found(&s, ID, token(REFRESH, "r1  ", END)), "(-4)", "a trailing blank counts");
	is_str(found(&s, ID, token(ACCESS, "aBc", END)), "aB", "the exact one is found");
	save(&s, NULL, token(USER, "alice", ACCESS, "a2", END));
	is_int(rows(&s), 2, "alice gets a row of her own");
	is_int(backend_delete(s.be, "AB"), TOKEEP_ENOTFOUND, "an id is compared byte for byte on deletion, too");
	store_close(&s);
}

static void planted_rows_are_ambiguous(void)
{
	struct tokeep_token t = token(USER, "alice@example.com", CLIENT, "c1", END);
	struct store s;

	fresh(&s, ZOHO_TABLE "; INSERT INTO oauthtoken (id, user_name, client_id, access_token) VALUES "
	      "('1', 'alice@example.com', 'c1', 'a1'), ('2', 'alice@example.com', 'c1', 'a2')");
	is_int(backend_find(s.be, &t), TOKEEP_EAMBIGUOUS, "two rows that fit are ambiguous");
	is_str(t.value[ACCESS], NULL, "neither is returned");
	is_int(save(&s, NULL, token(USER, "alice@example.com", CLIENT, "c1", ACCESS, "x", END)), TOKEEP_EAMBIGUOUS,
	       "and neither is overwritten");
	is_str(ask("SELECT group_concat(access_token) FROM oauthtoken"), "a1,a2", "they are as they were");
	token_clear(&t);
	store_close(&s);
}

static void blobs_and_numbers_are_text(void)
{
	struct store s;

	fresh(&s, "CREATE TABLE oauthtoken (id, user_name, client_id, client_secret, refresh_token, access_token, "
	      "grant_token, expiry_time, redirect_url, api_domain); INSERT INTO oauthtoken (id, user_name, access_token, "
	      "expiry_time) VALUES (X'31', CAST('alice@example.com' AS BLOB), CAST('a1' AS BLOB), 1760000000000)");
	is_str(found(&s, ACCESS, token(USER, "alice@example.com", END)), "a1", "a BLOB is found and read like text");
	is_str(found(&s, TOKEEP_FIELD_EXPIRY_TIME, token(ACCESS, "a1", END)), "1760000000000",
	       "a number is read as text");
	is_int(save(&s, NULL, token(ID, "1", ACCESS, "a2", END)), 0, "such a row is saved");
	is_str(ask("SELECT count(*) || max(access_token) FROM oauthtoken"), "1a2", "in place");
	store_close(&s);
}

static void a_bad_row_blocks_no_other(void)
{
	struct store s;
	int seen = 0;

	fresh(&s, ZOHO_TABLE "; INSERT INTO oauthtoken (id, user_name, access_token) VALUES "
	      "('1', 'alice@example.com', X'610062'), ('2', 'bob@example.com', 'a' || char(10) || 'b'), "
	      "('3', 'carol@example.com', 'a3')");
	is_str(found(&s, ACCESS, token(USER, "carol@example.com", END)), "a3", "a sound row is found");
	is_str(found(&s, ACCESS, token(USER, "alice@example.com", END)), "(-10)",
	       "one with a NUL is a failure of the store, not cut short");
	has_str(said(&s), "rowid 1", "the message says which row");
	is_str(found(&s, ACCESS, token(USER, "bob@example.com", END)), "(-10)", "so is one with a line break");
	is_int(save(&s, NULL, token(USER, "alice@example.com", ACCESS, "x", END)), TOKEEP_ESTORE,
	       "no second row is made for its account");
	is_int(backend_get_tokens(s.be, count_one, &seen), TOKEEP_ESTORE, "a listing says that rows are missing");
	is_int(seen, 1, "after the sound ones");
	is_int(backend_delete(s.be, "1"), 0, "a bad row can be deleted");
	store_close(&s);
}

static void an_application_keeps_its_database(void)
{
	struct store s;

	fresh(&s, "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1), (2), (3); DELETE FROM theirs WHERE x < 3;"
	      "PRAGMA application_id = 77; PRAGMA user_version = 5");
	is_int(save(&s, NULL, token(USER, "alice@example.com", ACCESS, "a", END)), 0,
	       "a table is made beside an application's own");
	backend_delete_tokens(s.be);
	is_str(ask("SELECT x || ',' || rowid FROM theirs"), "3,3", "whose rows keep their numbers");
	is_str(ask("PRAGMA application_id"), "77", "the database keeps its mark");
	is_str(ask("PRAGMA user_version"), "5", "and its version");
	store_close(&s);
}

static void a_newer_layout_is_left_alone(void)
{
	struct store s;

	fresh(&s, NULL);
	save(&s, NULL, token(USER, "alice@example.com", ACCESS, "a1", END));
	store_close(&s);
	sql("PRAGMA user_version = 2; ALTER TABLE oauthtoken ADD COLUMN more TEXT");
	again(&s);
	is_str(found(&s, ACCESS, token(USER, "alice@example.com", END)), "a1", "what a newer tokeep has made is read");
	is_int(save(&s, NULL, token(USER, "alice@example.com", ACCESS, "a2", END)), TOKEEP_ESTORE, "but not written");
	has_str(said(&s), "newer tokeep", "and the message says why");
	store_close(&s);
}

/*
 * A table of our own
 */

static void ids_are_numbers_of_any_length(void)
{
	char id[80];
	struct store s;

	fresh(&s, NULL);
	is_int(save_ids(&s, "007 abc 12a -5 999999999999999999999", id), 0, "ids of any kind are saved");
	save(&s, id, token(USER, "a", ACCESS, "a", END));
	is_str(id, "1000000000000000000000", "the next one follows the greatest number, however long");
	backend_delete(s.be, "1000000000000000000000");
	save(&s, id, token(USER, "b", ACCESS, "a", END));
	is_str(id, "1000000000000000000001", "one that was deleted is not given again");
	is_int(backend_delete(s.be, "7"), TOKEEP_ENOTFOUND, "7 is not 007");
	is_int(backend_delete(s.be, "007"), 0, "007 is");
	backend_delete_tokens(s.be);
	save(&s, id, token(USER, "c", ACCESS, "a", END));
	is_str(id, "1000000000000000000002", "not even after all were deleted");
	store_close(&s);
}

static void others_may_insert(void)
{
	char id[80];
	struct store s;

	fresh(&s, NULL);
	save(&s, id, token(USER, "a", ACCESS, "a", END));
	sql("INSERT INTO oauthtoken (id, user_name, access_token) VALUES ('41', 'sdk', 'x')");
	save(&s, id, token(USER, "b", ACCESS, "a", END));
	is_str(id, "42", "an id that another program has given counts");
	store_close(&s);
}

static double seconds_for_finds(struct store *s, int n)
{
	static const int fields[] = { USER, REFRESH, ACCESS, GRANT };
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < n; i++)
		found(s, ID, token(fields[i % 4], "nobody", END));
	clock_gettime(CLOCK_MONOTONIC, &b);
	return b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9;
}

static void many_rows_cost_what_few_do(void)
{
	double few, many;
	char id[80];
	struct store s;

	fresh(&s, NULL);
	save(&s, id, token(USER, "a", ACCESS, "a", END));
	seconds_for_finds(&s, 40);
	few = seconds_for_finds(&s, 400);
	sql("INSERT INTO oauthtoken (id, user_name, refresh_token, access_token, grant_token) WITH RECURSIVE n(i) AS "
	    "(SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) "
	    "SELECT i, 'u' || i, 'r' || i, 'a' || i, 'g' || i FROM n");
	many = seconds_for_finds(&s, 400);
	if (!ok(many < 5 * few + 0.05, "no lookup walks through the table"))
		printf("#   one row: %.3f s, 50000 rows: %.3f s\n", few, many);
	is_int(save(&s, id, token(USER, "b", ACCESS, "b", END)), 0, "a new token is saved");
	is_str(id, "50001", "with the next id");
	store_close(&s);
}

static void swap_compares(void)
{
	struct tokeep_token t;
	struct store s;

	fresh(&s, NULL);
	save(&s, NULL, token(USER, "alice", REFRESH, "r1", ACCESS, "a1", SCOPE, "s", END));
	t = token(ID, "1", REFRESH, "r2", ACCESS, "a2", END);
	is_int(backend_swap(s.be, &t, "r0"), TOKEEP_ENOTFOUND, "a row with another refresh token is not swapped");
	is_str(found(&s, ACCESS, token(USER, "alice", END)), "a1", "nothing is written");
	is_int(backend_swap(s.be, &t, "r1"), 0, "one with the old refresh token is");
	is_str(found(&s, SCOPE, token(REFRESH, "r2", END)), "s", "and keeps what was not given");
	tokeep_token_set(&t, ID, "2");
	is_int(backend_swap(s.be, &t, "r1"), TOKEEP_ENOTFOUND, "a row that is gone is not made anew");
	token_clear(&t);
	t = token(ID, "3", ACCESS, "a3", END);
	backend_save(s.be, &t);
	tokeep_token_set(&t, REFRESH, "r3");
	is_int(backend_swap(s.be, &t, ""), 0, "no refresh token equals none");
	token_clear(&t);
	store_close(&s);
}

static void a_batch_is_one(void)
{
	struct store s;

	fresh(&s, NULL);
	is_int(backend_commit(s.be, 1), TOKEEP_EINVAL, "what was not begun can't be kept");
	is_int(backend_commit(s.be, 0), 0, "but be left");
	backend_begin(s.be);
	save(&s, NULL, token(USER, "alice", ACCESS, "a1", END));
	is_str(found(&s, ACCESS, token(USER, "alice", END)), "a1", "a batch sees its own tokens");
	is_int(backend_commit(s.be, 0), 0, "and is taken back");
	is_int(rows(&s), 0, "whole");
	backend_begin(s.be);
	save(&s, NULL, token(USER, "alice", ACCESS, "a1", END));
	is_int(save(&s, NULL, token(ID, "1", USER, "bob", ACCESS, "b1", END)), TOKEEP_EINVAL,
	       "a refused token does not end a batch");
	save(&s, NULL, token(USER, "carol", ACCESS, "c1", END));
	is_int(backend_commit(s.be, 1), 0, "which is kept");
	is_int(rows(&s), 2, "with all that was not refused");
	store_close(&s);
}

/*
 * Listing
 */

struct listing {
	struct store *s;
	int seen;
};

static int change_while_listing(void *data, const struct tokeep_token *t)
{
	struct listing *l = data;
	char user[40];

	l->seen++;
	if (strncmp(t->value[USER], "u", 1) || l->seen > 300)
		return 0;
	snprintf(user, sizeof(user), "new-%d", l->seen);
	return save(l->s, NULL, token(USER, user, ACCESS, "x", END)) || backend_delete(l->s->be, t->value[ID]);
}

static int commit_elsewhere(void *data, const struct tokeep_token *t)
{
	sqlite3 *db;
	int r;

	sqlite3_open(database, &db); /* waits for nobody */
	r = sqlite3_exec(db, "UPDATE oauthtoken SET scope = 's' WHERE id = '1'", NULL, NULL, NULL);
	sqlite3_close(db);
	return r ? r : 1;
}

static void a_listing_locks_nobody_out(void)
{
	struct listing l = { .seen = 0 };
	struct store s;

	fresh(&s, NULL);
	save(&s, NULL, token(USER, "u1", ACCESS, "a", END));
	sql("INSERT INTO oauthtoken (id, user_name, access_token) WITH RECURSIVE n(i) AS "
	    "(SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i, 'u' || i, 'a' || i FROM n");
	is_int(backend_get_tokens(s.be, commit_elsewhere, NULL), 1, "another process saves in the middle of a listing");
	l.s = &s;
	is_int(backend_get_tokens(s.be, change_while_listing, &l), 0, "the lister itself saves and deletes meanwhile");
	ok(l.seen >= 200, "and sees every token that was there");
	is_str(ask("SELECT count(*) FROM oauthtoken WHERE user_name LIKE 'new-%'"), "200", "all that was written is there");
	store_close(&s);
}

int main(void)
{
	make_folder();
	snprintf(database, sizeof(database), "%s/tokens.db", folder);
	zohos_table_serves_as_it_is();
	a_table_without_a_column_is_refused();
	collations_have_no_say();
	planted_rows_are_ambiguous();
	blobs_and_numbers_are_text();
	a_bad_row_blocks_no_other();
	an_application_keeps_its_database();
	a_newer_layout_is_left_alone();
	ids_are_numbers_of_any_length();
	others_may_insert();
	many_rows_cost_what_few_do();
	swap_compares();
	a_batch_is_one();
	a_listing_locks_nobody_out();
	return done();
}
