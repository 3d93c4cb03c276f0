/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sqlite_table.h: the operations of a store on one table of an open SQLite database. Shared by the sqlite and memory
 * stores. Knows no files: who opens the database sees to them.
 *
 * A table of tokeep's own has all fields as columns and indexes, and its ids are remembered in
 * tokeep_sequence. One that Zoho's sample made has the first ten columns and nothing else; it is used as it is.
 */
#ifndef TOKEEP_PLUGINS_SQLITE_TABLE_H
#define TOKEEP_PLUGINS_SQLITE_TABLE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <tokeep-store.h>

#define TABLE_FIELDS (TOKEEP_FIELD_STATUS + 1)
#define TABLE_ZOHO_FIELDS (TOKEEP_FIELD_API_DOMAIN + 1)

/* Remembers the greatest id that was deleted, for each table. */
#define TABLE_IDS "tokeep_sequence"

/* Prepared when first needed. */
enum table_statement {
	TABLE_BY_ID,
	TABLE_BY_USER_NAME,
	TABLE_BY_ACCESS_TOKEN,
	TABLE_BY_GRANT_TOKEN,
	TABLE_BY_REFRESH_TOKEN,
	TABLE_PAGE,
	TABLE_LAST_ID,
	TABLE_DELETED_ID,
	TABLE_REMEMBER,
	TABLE_DELETE,
	TABLE_DELETE_ALL,
	TABLE_INSERT,
	TABLE_UPDATE,
	TABLE_HAS,
	TABLE_BEGIN,
	TABLE_COMMIT,
	TABLE_ROLLBACK,
	TABLE_STATEMENTS
};

struct table {
	struct tokeep_backend *be;
	/* Called before each use, also once more within one, and after it unless a batch goes on. Connect sees to it that
	 * `db` is open and ours alone, and with `make` makes it; TOKEEP_ENOTFOUND: it isn't there. */
	int (*connect)(struct table *t, bool make);
	void (*release)(struct table *t);
	sqlite3 *db;       /* NULL: not open */
	const char *where; /* what messages begin with: the file */
	const char *file;  /* for the commands in messages; NULL: in memory */
	const char *name;  /* letters, digits, _ */
	int timeout_s;     /* how long SQLite waits for others */
	bool checked;      /* the layout, before the first write */
	bool batch;        /* between begin and commit */
	bool emptied;      /* all were deleted in this transaction */
	sqlite3_stmt **statements; /* TABLE_STATEMENTS of them, of db */
};

/* Letters, digits and _, 64 at most, and none of SQLite's or tokeep's own. */
bool table_name_ok(const char *name);

/* Settings of a fresh connection that cost nothing. */
void table_settle(struct table *t);
/* What must be set before the first write. */
int table_secure(struct table *t);
/* Closes the connection. */
void table_close(struct table *t);

/* Says what SQLite says of the last failure, with the path and a command to run, and returns the result. */
int table_fail(struct table *t, const char *doing);

/* Which column of a result each field is; -1: none. Column 0 is the rowid. */
struct table_columns {
	int of[TABLE_FIELDS];
};
void table_columns(sqlite3_stmt *s, struct table_columns *columns);

/* The statement; TOKEEP_ENOTFOUND where the table isn't there yet. table_done() when through with it. */
int table_statement(struct table *t, enum table_statement which, sqlite3_stmt **s);
void table_done(sqlite3_stmt *s);
/* One that gives no rows, with `text` bound where it isn't NULL. */
int table_run(struct table *t, enum table_statement which, const char *text, const char *doing);
int table_has(struct table *t, const char *name, bool *has);

/* Around everything that reads. What comes out of the second is r. */
int table_connect(struct table *t);
int table_release(struct table *t, int r);
/* Around everything that writes: a transaction of its own, or the batch's. Where r is 0 the second commits, and returns
 * what came of it. */
int table_enter(struct table *t);
int table_leave(struct table *t, int r);

/* sqlite_find.c, sqlite_save.c: the operations of tokeep-store.h. Where the table isn't there yet, the first write makes it. */
int table_find(struct table *t, struct tokeep_token *token);
int table_find_by_id(struct table *t, const char *id, struct tokeep_token *token);
int table_save(struct table *t, struct tokeep_token *token);
int table_delete(struct table *t, const char *id);
int table_get(struct table *t, struct tokeep_sink *sink);
int table_clear(struct table *t);
int table_swap(struct table *t, struct tokeep_token *token, const char *old_refresh_token);
int table_probe(struct table *t, const struct tokeep_token *token);
int table_begin(struct table *t);
int table_commit(struct table *t, bool keep);
#endif
