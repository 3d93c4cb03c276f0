/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sqlite_table.c: a table of tokens in an open SQLite database: its statements, its making, transactions, and
 * what is said when SQLite fails. sqlite_find.c and sqlite_save.c have the operations on its rows.
 */
#include "sqlite_table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* "tkp1", as file(1) shows it, and the version of what create() makes. */
#define APPLICATION_ID 0x746b7031
#define SCHEMA_VERSION 1

/* %w is the table. A value that somebody stored as a BLOB is found like text, and the index still serves. */
#define ROWS "SELECT rowid, * FROM \"%w\" WHERE "
#define EQUALS " IN (?1, CAST(?1 AS BLOB))"

static const char *const statements[TABLE_STATEMENTS] = {
	[TABLE_BY_ID]            = ROWS "id" EQUALS,
	[TABLE_BY_USER_NAME]     = ROWS "user_name" EQUALS,
	[TABLE_BY_ACCESS_TOKEN]  = ROWS "access_token" EQUALS,
	[TABLE_BY_GRANT_TOKEN]   = ROWS "grant_token" EQUALS,
	[TABLE_BY_REFRESH_TOKEN] = ROWS "refresh_token" EQUALS,
	[TABLE_PAGE]             = ROWS "rowid >= ?1 ORDER BY rowid LIMIT ?2",
	/* In the words of the index tokeep_..._number, whatever the number of digits. */
	[TABLE_LAST_ID]          = "SELECT id FROM \"%w\" WHERE id NOT GLOB '*[^0-9]*' "
				   "ORDER BY length(ltrim(id, '0')) DESC, ltrim(id, '0') DESC LIMIT 1",
	[TABLE_DELETED_ID]       = "SELECT last_id FROM " TABLE_IDS " WHERE table_name = '%w'",
	[TABLE_REMEMBER]         = "INSERT OR REPLACE INTO " TABLE_IDS "(table_name, last_id) VALUES ('%w', ?1)",
	/* The second condition holds byte for byte, whatever the column's type and collation. */
	[TABLE_DELETE]           = "DELETE FROM \"%w\" WHERE id" EQUALS
				   " AND CAST(id AS BLOB) = CAST(?1 AS BLOB)",
	[TABLE_DELETE_ALL]       = "DELETE FROM \"%w\"",
	[TABLE_HAS]              = "SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') "
				   "AND name = ?1 COLLATE NOCASE",
	[TABLE_BEGIN]            = "BEGIN IMMEDIATE",
	[TABLE_COMMIT]           = "COMMIT",
	[TABLE_ROLLBACK]         = "ROLLBACK",
};

/*
 * Failures
 */

static const struct cause {
	int code;
	const char *what;
	const char *command, *rest; /* to run, around the path */
} causes[] = {
	{ SQLITE_BUSY,     "held by another process",                   "fuser -v ",  "" },
	{ SQLITE_LOCKED,   "held by another thread",                    NULL,         NULL },
	{ SQLITE_FULL,     "no space left",                             "df -h ",     "" },
	{ SQLITE_IOERR,    "reading or writing failed",                 "df -h ",     "" },
	{ SQLITE_NOTADB,   "not a database of SQLite",                  "file ",      "" },
	{ SQLITE_CORRUPT,  "damaged",                                   "sqlite3 ",   " .recover" },
	{ SQLITE_READONLY, "may not be written",                        "namei -l ",  "" },
	{ SQLITE_CANTOPEN, "it or a file beside it can't be opened",    "namei -l ",  "" },
	{ SQLITE_PERM,     "access is denied",                          "namei -l ",  "" },
	{ SQLITE_NOLFS,    "too large for this system",                 "ls -l ",     "" },
};

static const struct cause *cause_of(int code)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++)
		if (causes[i].code == (code & 0xff))
			return &causes[i];
	return NULL;
}

int table_fail(struct table *t, const char *doing)
{
	int code = sqlite3_extended_errcode(t->db), system = sqlite3_system_errno(t->db);
	const struct cause *cause = cause_of(code);
	char reason[160] = "";

	if ((code & 0xff) == SQLITE_NOMEM)
		return TOKEEP_ENOMEM;
	if (cause && cause->code == SQLITE_BUSY)
		snprintf(reason, sizeof(reason), "%s for %d s: ", cause->what, t->timeout_s);
	else if (cause && system && cause->code != SQLITE_NOTADB && cause->code != SQLITE_CORRUPT)
		snprintf(reason, sizeof(reason), "%s (%s): ", cause->what, strerror(system));
	else if (cause)
		snprintf(reason, sizeof(reason), "%s: ", cause->what);
	if (!cause || !cause->command || !t->file)
		return tokeep_backend_fail(t->be, TOKEEP_ESTORE, "%s: %s: %s%s", t->where, doing, reason,
					   sqlite3_errmsg(t->db));
	return tokeep_backend_fail(t->be, TOKEEP_ESTORE, "%s: %s: %s%s; run: %s%s%s", t->where, doing, reason,
				   sqlite3_errmsg(t->db), cause->command, t->file, cause->rest);
}

/*
 * The connection
 */

bool table_name_ok(const char *name)
{
	size_t n = strlen(name);

	if (!n || n > 64 || !strncasecmp(name, "sqlite_", 7) || !strcasecmp(name, TABLE_IDS))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return false;
	return true;
}

/* What a database that somebody else had in hands could do to us. */
void table_settle(struct table *t)
{
	sqlite3_extended_result_codes(t->db, 1);
	sqlite3_busy_timeout(t->db, t->timeout_s * 1000);
	sqlite3_db_config(t->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(t->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* A column that isn't there is an error, not a text in double quotes. */
	sqlite3_db_config(t->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
}

int table_secure(struct table *t)
{
	/* Less than EXTRA loses a committed row in a power cut, with the journal deleted as with WAL. */
	if (sqlite3_exec(t->db, "PRAGMA synchronous = EXTRA; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY",
			 NULL, NULL, NULL))
		return table_fail(t, "setting up the connection");
	return 0;
}

void table_close(struct table *t)
{
	for (int i = 0; i < TABLE_STATEMENTS; i++) {
		sqlite3_finalize(t->statements[i]);
		t->statements[i] = NULL;
	}
	sqlite3_close(t->db);
	t->db = NULL;
	t->checked = t->batch = t->emptied = false;
}

/* After a failure: is it that nothing was saved yet? */
static bool missing(struct table *t)
{
	const char *why = sqlite3_errmsg(t->db), *start = "no such table: ";

	return sqlite3_errcode(t->db) == SQLITE_ERROR && !strncmp(why, start, strlen(start)) &&
	       !strcasecmp(why + strlen(start), t->name);
}

/*
 * Statements
 */

/* Which column of a result each field is; -1: none. */
void table_columns(sqlite3_stmt *s, struct table_columns *columns)
{
	int n = sqlite3_column_count(s);

	for (int f = 0; f < TABLE_FIELDS; f++) {
		columns->of[f] = -1;
		for (int c = 1; c < n && columns->of[f] < 0; c++)
			if (!strcasecmp(sqlite3_column_name(s, c), tokeep_field_name(f)))
				columns->of[f] = c;
	}
}

/* Writes the columns that the table has; an update keeps what isn't given. */
static char *writing_sql(struct table *t, enum table_statement which, const struct table_columns *columns)
{
	sqlite3_str *sql = sqlite3_str_new(t->db);
	bool update = which == TABLE_UPDATE;

	sqlite3_str_appendf(sql, update ? "UPDATE \"%w\" SET " : "INSERT INTO \"%w\"(id", t->name);
	for (int f = TOKEEP_FIELD_USER_NAME; f < TABLE_FIELDS; f++) {
		const char *name = tokeep_field_name(f);

		if (columns->of[f] < 0)
			continue;
		if (update)
			sqlite3_str_appendf(sql, "%s%s = ifnull(?%d, %s)", f > 1 ? ", " : "", name, f + 1, name);
		else
			sqlite3_str_appendf(sql, ", %s", name);
	}
	sqlite3_str_appendall(sql, update ? " WHERE rowid = ?1" : ") VALUES (?1");
	for (int f = TOKEEP_FIELD_USER_NAME; !update && f < TABLE_FIELDS; f++)
		if (columns->of[f] >= 0)
			sqlite3_str_appendf(sql, ", ?%d", f + 1);
	sqlite3_str_appendall(sql, update ? "" : ")");
	return sqlite3_str_finish(sql);
}

static int statement_sql(struct table *t, enum table_statement which, char **sql)
{
	struct table_columns columns;
	sqlite3_stmt *s;
	int r;

	if (which != TABLE_INSERT && which != TABLE_UPDATE) {
		*sql = sqlite3_mprintf(statements[which], t->name);
		return *sql ? 0 : TOKEEP_ENOMEM;
	}
	r = table_statement(t, TABLE_BY_ID, &s);
	if (r)
		return r;
	table_columns(s, &columns);
	*sql = writing_sql(t, which, &columns);
	return *sql ? 0 : TOKEEP_ENOMEM;
}

int table_statement(struct table *t, enum table_statement which, sqlite3_stmt **s)
{
	char *sql;
	int r;

	if (!t->statements[which]) {
		r = statement_sql(t, which, &sql);
		if (r)
			return r;
		r = sqlite3_prepare_v3(t->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &t->statements[which], NULL);
		sqlite3_free(sql);
		if (r)
			return missing(t) ? TOKEEP_ENOTFOUND : table_fail(t, "reading the layout");
	}
	*s = t->statements[which];
	return 0;
}

void table_done(sqlite3_stmt *s)
{
	sqlite3_reset(s);
	sqlite3_clear_bindings(s); /* they belong to callers */
}

/* One that gives no rows. */
int table_run(struct table *t, enum table_statement which, const char *text, const char *doing)
{
	sqlite3_stmt *s;
	int r = table_statement(t, which, &s);

	if (r)
		return r;
	if (text)
		sqlite3_bind_text(s, 1, text, -1, SQLITE_STATIC);
	r = sqlite3_step(s) == SQLITE_DONE ? 0 : table_fail(t, doing);
	table_done(s);
	return r;
}

/* Asked of the file: what SQLite knows of the layout may be older than the transaction. */
int table_has(struct table *t, const char *name, bool *has)
{
	sqlite3_stmt *s;
	int step, r = table_statement(t, TABLE_HAS, &s);

	if (r)
		return r;
	sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	step = sqlite3_step(s);
	*has = step == SQLITE_ROW;
	r = step == SQLITE_ROW || step == SQLITE_DONE ? 0 : table_fail(t, "reading the layout");
	table_done(s);
	return r;
}

/*
 * Making the table
 */

static int pragma_number(struct table *t, const char *pragma, int *number)
{
	sqlite3_stmt *s;
	int r;

	if (sqlite3_prepare_v2(t->db, pragma, -1, &s, NULL))
		return table_fail(t, "reading its header");
	r = sqlite3_step(s) == SQLITE_ROW ? 0 : table_fail(t, "reading its header");
	*number = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	return r;
}

static char *create_sql(struct table *t, bool fresh)
{
	static const int looked_by[] = { TOKEEP_FIELD_USER_NAME, TOKEEP_FIELD_REFRESH_TOKEN,
					 TOKEEP_FIELD_ACCESS_TOKEN, TOKEEP_FIELD_GRANT_TOKEN };
	sqlite3_str *sql = sqlite3_str_new(t->db);

	if (fresh)
		sqlite3_str_appendf(sql, "PRAGMA application_id = %d; PRAGMA user_version = %d;", APPLICATION_ID,
				    SCHEMA_VERSION);
	sqlite3_str_appendf(sql, "CREATE TABLE \"%w\"(id TEXT NOT NULL PRIMARY KEY", t->name);
	for (int f = TOKEEP_FIELD_USER_NAME; f < TABLE_FIELDS; f++)
		sqlite3_str_appendf(sql, ", %s TEXT", tokeep_field_name(f));
	sqlite3_str_appendall(sql, ");");
	for (size_t i = 0; i < sizeof(looked_by) / sizeof(*looked_by); i++) {
		const char *column = tokeep_field_name(looked_by[i]);

		sqlite3_str_appendf(sql, "CREATE INDEX \"tokeep_%w_%w\" ON \"%w\"(%s) WHERE %s IS NOT NULL;",
				    t->name, column, t->name, column, column);
	}
	sqlite3_str_appendf(sql,
			    "CREATE INDEX \"tokeep_%w_number\" ON \"%w\"(length(ltrim(id, '0')), ltrim(id, '0'), id) "
			    "WHERE id NOT GLOB '*[^0-9]*';"
			    "CREATE TABLE IF NOT EXISTS " TABLE_IDS "(table_name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, "
			    "last_id TEXT NOT NULL) WITHOUT ROWID;",
			    t->name, t->name);
	return sqlite3_str_finish(sql);
}

/* Inside a transaction. An application's own database keeps its marks. */
static int create(struct table *t)
{
	int objects, r = pragma_number(t, "SELECT count(*) FROM sqlite_master", &objects);
	char *sql;

	if (r)
		return r;
	sql = create_sql(t, !objects);
	if (!sql)
		return TOKEEP_ENOMEM;
	if (sqlite3_exec(t->db, sql, NULL, NULL, NULL))
		r = table_fail(t, "making the table");
	sqlite3_free(sql);
	return r;
}

static int refuse_newer(struct table *t)
{
	int id, version, r = pragma_number(t, "PRAGMA application_id", &id);

	if (!r && id == APPLICATION_ID)
		r = pragma_number(t, "PRAGMA user_version", &version);
	if (r || id != APPLICATION_ID || version <= SCHEMA_VERSION)
		return r;
	return tokeep_backend_fail(t->be, TOKEEP_ESTORE,
				   "%s: made by a newer tokeep (layout %d, known is %d): update tokeep", t->where,
				   version, SCHEMA_VERSION);
}

/* The table as it is has what every SDK's has. */
static int check_layout(struct table *t)
{
	struct table_columns columns;
	sqlite3_stmt *s;
	int r = table_statement(t, TABLE_BY_ID, &s);

	if (r)
		return r;
	table_columns(s, &columns);
	for (int f = 0; f < TABLE_ZOHO_FIELDS; f++)
		if (columns.of[f] < 0)
			return tokeep_backend_fail(t->be, TOKEEP_ESTORE, "%s: table %s: has no column %s", t->where,
						   t->name, tokeep_field_name(f));
	return 0;
}

/*
 * Leaving nothing behind
 */

/* VACUUM may number the rows of other tables anew. */
static int alone(struct table *t, bool *yes)
{
	bool ids;
	int tables, r = pragma_number(t, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND "
				      "name NOT LIKE 'sqlite\\_%' ESCAPE '\\'", &tables);

	if (!r)
		r = table_has(t, TABLE_IDS, &ids);
	if (!r)
		*yes = tables == 1 + ids;
	return r;
}

/* secure_delete has cleared what we deleted; free pages may still hold what a program without it did. */
static int scrub(struct table *t)
{
	bool yes;
	int r = t->file ? alone(t, &yes) : 0;

	if (r || !t->file)
		return r;
	if (yes && sqlite3_exec(t->db, "VACUUM", NULL, NULL, NULL))
		return table_fail(t, "every token is deleted, but cleaning the file's free pages failed");
	if (sqlite3_wal_checkpoint_v2(t->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL))
		return table_fail(t, "every token is deleted, but emptying the write-ahead log failed");
	return 0;
}

/*
 * Transactions
 */

int table_connect(struct table *t)
{
	return t->connect(t, false);
}

int table_release(struct table *t, int r)
{
	if (!t->batch)
		t->release(t);
	return r;
}

static void roll_back(struct table *t)
{
	sqlite3_stmt *s;

	t->emptied = false;
	if (sqlite3_get_autocommit(t->db) || table_statement(t, TABLE_ROLLBACK, &s))
		return;
	sqlite3_step(s);
	sqlite3_reset(s);
}

/* The table is there afterwards. */
static int begin(struct table *t)
{
	bool there = false;
	int r = table_run(t, TABLE_BEGIN, NULL, "locking it");

	if (r)
		return r;
	if (!t->checked)
		r = refuse_newer(t);
	if (!r)
		r = table_has(t, t->name, &there);
	if (!r && !there)
		r = create(t);
	else if (!r && !t->checked)
		r = check_layout(t);
	t->checked = !r;
	if (r)
		roll_back(t);
	return r;
}

static int commit(struct table *t)
{
	bool emptied = t->emptied;
	int r = table_run(t, TABLE_COMMIT, NULL, "saving");

	if (!r && emptied) {
		t->emptied = false;
		r = scrub(t);
	}
	return r;
}

int table_enter(struct table *t)
{
	int r = t->connect(t, true);

	if (r)
		return r;
	if (!t->batch)
		return (r = begin(t)) ? table_release(t, r) : 0;
	if (!sqlite3_get_autocommit(t->db))
		return 0;
	return tokeep_backend_fail(t->be, TOKEEP_ESTORE, "%s: a failure before has undone the whole batch", t->where);
}

int table_leave(struct table *t, int r)
{
	if (t->batch)
		return r;
	if (!r)
		r = commit(t);
	roll_back(t); /* where that did not happen */
	return table_release(t, r);
}

int table_begin(struct table *t)
{
	int r = table_enter(t);

	t->batch = !r;
	return r;
}

int table_commit(struct table *t, bool keep)
{
	int r;

	if (!t->batch)
		return keep ? tokeep_backend_fail(t->be, TOKEEP_EINVAL, "%s: no batch was begun", t->where) : 0;
	r = keep ? table_enter(t) : 0; /* is it still whole? */
	t->batch = false;
	if (keep)
		return table_leave(t, r);
	roll_back(t);
	return table_release(t, 0);
}
