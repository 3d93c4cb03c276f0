/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sqlite.c: the store in a SQLite database. This is the file's part: where it is, who may read it, when it is made,
 * opened and closed. The table in it is sqlite_table.c's.
 */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__has_include)
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define SINGLE_THREADED __libc_single_threaded
#endif
#endif
#ifndef SINGLE_THREADED
#define SINGLE_THREADED false /* can't tell */
#endif

#include "hostlock.h"
#include "safefile.h"
#include "sqlite_table.h"

const unsigned int tokeep_store_abi = TOKEEP_STORE_ABI;
const unsigned int tokeep_store_scope = TOKEEP_SCOPE_HOST;
const char tokeep_store_description[] = "one SQLite database";

struct store {
	struct table table;
	sqlite3_stmt *statements[TABLE_STATEMENTS];
	char *path;
	const char *journal; /* NULL: as it is */
	bool ready;          /* to write */
	int lock;            /* of PATH.lock, -1: not open */
};

/*
 * Options
 */

static int bad_option(struct tokeep_backend *be, const char *name, const char *why)
{
	return tokeep_backend_fail(be, TOKEEP_ECONFIG, "%s: %s", name, why);
}

static int read_timeout(struct tokeep_backend *be, int *timeout_s)
{
	const char *text = tokeep_backend_option(be, "timeout", "30");
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < 0 || n > 3600)
		return bad_option(be, "timeout", "must be 0 to 3600 seconds");
	*timeout_s = (int)n;
	return 0;
}

static int read_options(struct tokeep_backend *be, struct store *store)
{
	const char *path = tokeep_backend_option(be, "path", NULL);

	store->table.name = tokeep_backend_option(be, "table", "oauthtoken");
	store->journal = tokeep_backend_option(be, "journal", NULL);
	if (!path || *path != '/')
		return bad_option(be, "path", path ? "must be absolute or begin with ~/" : "missing");
	if (!table_name_ok(store->table.name))
		return bad_option(be, "table", "must be 1 to 64 letters, digits and _, and not begin with sqlite_");
	if (store->journal && strcmp(store->journal, "delete") && strcmp(store->journal, "wal"))
		return bad_option(be, "journal", "must be \"delete\" or \"wal\"");
	store->path = strdup(path);
	return store->path ? read_timeout(be, &store->table.timeout_s) : TOKEEP_ENOMEM;
}

/*
 * The file
 */

/* With what follows PATH ("", ".lock"); the folder with NULL. Caller frees. */
static char *beside(const struct store *store, const char *tail)
{
	char *name;

	if (!tail)
		return strndup(store->path, strrchr(store->path, '/') - store->path + 1);
	return asprintf(&name, "%s%s", store->path, tail) < 0 ? NULL : name;
}

static int fail(struct store *store, const char *why)
{
	return tokeep_backend_fail(store->table.be, TOKEEP_ESTORE, "%s: %s", store->path, why);
}

static int fail_errno(struct store *store, const char *doing)
{
	return tokeep_backend_fail(store->table.be, TOKEEP_ESTORE, "%s: %s: %s; run: namei -l %s", store->path, doing,
				   strerror(errno), store->path);
}

static int make_folder(struct store *store)
{
	char *folder = beside(store, NULL), why[SAFEFILE_WHY];
	int r = 0;

	if (!folder)
		return TOKEEP_ENOMEM;
	if (safefile_folder(folder, why))
		r = tokeep_backend_fail(store->table.be, TOKEEP_ESTORE, "%s: %s", folder, why);
	free(folder);
	return r;
}

/* Empty, for us alone; the files that SQLite puts beside it get the same mode. Without a descriptor: closing one
 * would drop the locks that another thread's SQLite may have on the file by then. */
static int make_file(struct store *store)
{
	int r = make_folder(store);

	if (r)
		return r;
	if (mknod(store->path, S_IFREG | 0600, 0))
		return errno == EEXIST ? 0 : fail_errno(store, "making it");
	return chmod(store->path, 0600) ? fail_errno(store, "making it") : 0; /* whatever the umask */
}

/* TOKEEP_ENOTFOUND: there is no file. */
static int look_at_file(struct store *store)
{
	char why[SAFEFILE_WHY];

	if (!safefile_look(store->path, why))
		return 0;
	return errno == ENOENT ? TOKEEP_ENOTFOUND : fail(store, why);
}

/*
 * The connection
 */

static int open_path(struct store *store, const char *path)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;

	return sqlite3_open_v2(path, &store->table.db, flags, NULL) ? sqlite3_extended_errcode(store->table.db) : 0;
}

/* SQLite refuses links in the folder's path as well; those are the user's business. */
static int open_resolved(struct store *store)
{
	char *folder = beside(store, NULL), *real = folder ? realpath(folder, NULL) : NULL, *path = NULL;
	int r = SQLITE_CANTOPEN;

	if (real && asprintf(&path, "%s%s", real, strrchr(store->path, '/')) < 0)
		path = NULL;
	if (path) {
		table_close(&store->table);
		r = open_path(store, path);
	}
	free(path);
	free(real);
	free(folder);
	return r;
}

/* For reading and, so that what a killed writer left can be rolled back, for writing. Makes no file. */
static int open_file(struct store *store)
{
	int r = look_at_file(store);

	if (r)
		return r;
	r = open_path(store, store->path);
	if (r == SQLITE_CANTOPEN_SYMLINK)
		r = open_resolved(store);
	if (r) {
		r = store->table.db ? table_fail(&store->table, "opening it") : TOKEEP_ENOMEM;
		table_close(&store->table);
		return r;
	}
	table_settle(&store->table);
	store->ready = false;
	return 0;
}

/* Somebody put another file in its place, a backup for one. */
static bool moved(struct store *store)
{
	int yes = 0;

	sqlite3_file_control(store->table.db, "main", SQLITE_FCNTL_HAS_MOVED, &yes);
	return yes;
}

/* Stays in the file. Others that have it open may keep us from changing it, which is no reason not to save. */
static int set_journal(struct store *store)
{
	bool wal = !strcmp(store->journal, "wal");
	const char *mode;
	sqlite3_stmt *s;
	int r;

	if (sqlite3_prepare_v2(store->table.db, wal ? "PRAGMA journal_mode = WAL" : "PRAGMA journal_mode = DELETE",
			       -1, &s, NULL))
		return table_fail(&store->table, "setting the journal");
	r = sqlite3_step(s);
	mode = r == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
	if (!mode && (r & 0xff) != SQLITE_BUSY)
		r = table_fail(&store->table, "setting the journal");
	else
		r = 0;
	if (!r && (!mode || strcmp(mode, store->journal)))
		tokeep_backend_log(store->table.be, TOKEEP_LOG_WARNING, "%s: journal stays %s: in use elsewhere",
				   store->path, mode ? mode : "as it is");
	sqlite3_finalize(s);
	return r;
}

static int prepare_to_write(struct store *store)
{
	int r = table_secure(&store->table);

	if (!r && store->journal)
		r = set_journal(store);
	store->ready = !r;
	return r;
}

static int connect_store(struct table *t, bool make)
{
	struct store *store = (struct store *)t; /* its first member */
	int r = 0;

	if (t->db && !t->batch && moved(store))
		table_close(t);
	if (!t->db)
		r = open_file(store);
	if (r == TOKEEP_ENOTFOUND && make) {
		r = make_file(store);
		if (!r)
			r = open_file(store);
		if (r == TOKEEP_ENOTFOUND)
			r = fail(store, "vanished while it was opened");
	}
	return !r && make && !store->ready ? prepare_to_write(store) : r;
}

/*
 * A connection with a write-ahead log is not kept from call to call: it keeps the log in use by a lock of this
 * process, which a child of fork() does not inherit although SQLite there believes so; what the child saves later may
 * go into a log that is deleted already. Without a log nothing is locked between calls.
 */
static void release_store(struct table *t)
{
	sqlite3_file *journal = NULL;

	if (t->db)
		sqlite3_file_control(t->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &journal);
	if (journal && journal->pMethods)
		table_close(t);
}

/*
 * The store
 */

/*
 * SQLite prepares twenty pages when it needs the first. A process that looks up one token is through with its work in
 * the time that takes. The setting is the process's: it is made while nobody else can be in SQLite, and refused by
 * SQLite where it is in use already.
 */
static void start_small(void)
{
	if (SINGLE_THREADED)
		sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
}

static struct store *store_of(struct tokeep_backend *be)
{
	return tokeep_backend_data(be);
}

int tokeep_store_open(struct tokeep_backend *be)
{
	struct store *store = calloc(1, sizeof(*store));
	int r;

	if (!store)
		return TOKEEP_ENOMEM;
	start_small();
	store->lock = -1;
	store->table.be = be;
	store->table.statements = store->statements;
	store->table.connect = connect_store;
	store->table.release = release_store;
	tokeep_backend_set_data(be, store);
	r = read_options(be, store);
	store->table.where = store->table.file = store->path;
	if (r)
		tokeep_store_close(be);
	return r;
}

void tokeep_store_close(struct tokeep_backend *be)
{
	struct store *store = store_of(be);

	table_close(&store->table);
	if (store->lock >= 0)
		close(store->lock);
	free(store->path);
	free(store);
}

int tokeep_store_find_token(struct tokeep_backend *be, struct tokeep_token *token)
{
	return table_find(&store_of(be)->table, token);
}

int tokeep_store_find_token_by_id(struct tokeep_backend *be, const char *id, struct tokeep_token *token)
{
	return table_find_by_id(&store_of(be)->table, id, token);
}

int tokeep_store_save_token(struct tokeep_backend *be, struct tokeep_token *token)
{
	return table_save(&store_of(be)->table, token);
}

int tokeep_store_delete_token(struct tokeep_backend *be, const char *id)
{
	return table_delete(&store_of(be)->table, id);
}

int tokeep_store_get_tokens(struct tokeep_backend *be, struct tokeep_sink *sink)
{
	return table_get(&store_of(be)->table, sink);
}

int tokeep_store_delete_tokens(struct tokeep_backend *be)
{
	return table_clear(&store_of(be)->table);
}

int tokeep_store_swap_token(struct tokeep_backend *be, struct tokeep_token *token, const char *old_refresh_token)
{
	return table_swap(&store_of(be)->table, token, old_refresh_token);
}

int tokeep_store_probe(struct tokeep_backend *be, const struct tokeep_token *token)
{
	return table_probe(&store_of(be)->table, token);
}

int tokeep_store_begin(struct tokeep_backend *be)
{
	return table_begin(&store_of(be)->table);
}

int tokeep_store_commit(struct tokeep_backend *be, int keep)
{
	return table_commit(&store_of(be)->table, keep);
}

/*
 * Leases, beside the database: no transaction is open while a server is asked.
 */

static int open_lock(struct store *store)
{
	char *path = beside(store, ".lock");
	int r = path ? 0 : TOKEEP_ENOMEM;

	if (!r)
		store->lock = hostlock_open(path);
	if (!r && store->lock < 0 && errno == ENOENT) {
		r = make_folder(store);
		if (!r)
			store->lock = hostlock_open(path);
	}
	if (!r && store->lock < 0)
		r = tokeep_backend_fail(store->table.be, TOKEEP_ESTORE, "%s: opening the lock file: %s; run: namei -l %s",
					path, strerror(errno), path);
	free(path);
	return r;
}

int tokeep_store_lock(struct tokeep_backend *be, const char *key, int64_t wait_ms, int64_t hold_ms)
{
	struct store *store = store_of(be);
	int r = store->lock < 0 ? open_lock(store) : 0;

	if (r)
		return r;
	if (!hostlock_take(store->lock, hostlock_byte(key), wait_ms))
		return 0;
	return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s.lock: waiting for whoever refreshes this token: %s",
				   store->path, strerror(errno));
}

int tokeep_store_unlock(struct tokeep_backend *be, const char *key)
{
	struct store *store = store_of(be);

	if (!hostlock_release(store->lock, hostlock_byte(key)))
		return 0;
	return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s.lock: unlocking: %s", store->path, strerror(errno));
}
