/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * memory.c: the store in this process's memory: a SQLite database that every context which names the same `name`
 * shares, and that ends with the process. The table in it is sqlite_table.c's.
 */
#include <config.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sqlite_table.h"

const unsigned int tokeep_store_abi = TOKEEP_STORE_ABI;
const unsigned int tokeep_store_scope = TOKEEP_SCOPE_PROCESS;
const char tokeep_store_description[] = "the process's memory, by SQLite";

#define NAME_MAX_SIZE 64
#define TIMEOUT_S 30

/*
 * SQLite drops a database in memory with its last connection. One is kept for each name, so that a program may free its
 * only context and find its tokens with the next. The child of a fork() has its parent's here, too, and under its own
 * pid begins with an empty one.
 */
struct anchor {
	struct anchor *next;
	sqlite3 *db;
	char uri[];
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct anchor *anchors;

static int open_uri(const char *uri, sqlite3 **db)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;

	return sqlite3_open_v2(uri, db, flags, NULL);
}

static int keep(const char *uri)
{
	struct anchor *a = anchors;
	int r;

	while (a && strcmp(a->uri, uri))
		a = a->next;
	if (a)
		return 0;
	a = malloc(sizeof(*a) + strlen(uri) + 1);
	if (!a)
		return SQLITE_NOMEM;
	r = open_uri(uri, &a->db);
	if (r) {
		sqlite3_close(a->db);
		free(a);
		return r;
	}
	memcpy(a->uri, uri, strlen(uri) + 1);
	a->next = anchors;
	anchors = a;
	return 0;
}

static int connect_memory(struct table *t, const char *name)
{
	char uri[NAME_MAX_SIZE + 64];
	int r;

	snprintf(uri, sizeof(uri), "file:/tokeep-%ld-%s?vfs=memdb", (long)getpid(), name);
	pthread_mutex_lock(&guard);
	r = keep(uri);
	pthread_mutex_unlock(&guard);
	if (!r)
		r = open_uri(uri, &t->db);
	if (r)
		return tokeep_backend_fail(t->be, TOKEEP_ESTORE, "%s: opening %s: %s", t->where, uri,
					   sqlite3_errstr(r));
	table_settle(t);
	return table_secure(t);
}

/*
 * The store
 */

static struct table *table_of(struct tokeep_backend *be)
{
	return tokeep_backend_data(be);
}

int tokeep_store_open(struct tokeep_backend *be)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	const char *name = tokeep_backend_option(be, "name", "default");
	struct table *t;
	int r;

	if (!*name || strlen(name) > NAME_MAX_SIZE || name[strspn(name, letters)])
		return tokeep_backend_fail(be, TOKEEP_ECONFIG, "name: must be 1 to %d letters, digits, _ and -",
					   NAME_MAX_SIZE);
	t = calloc(1, sizeof(*t));
	if (!t)
		return TOKEEP_ENOMEM;
	t->be = be;
	t->where = tokeep_backend_name(be);
	t->name = "oauthtoken";
	t->timeout_s = TIMEOUT_S;
	tokeep_backend_set_data(be, t);
	r = connect_memory(t, name);
	if (r)
		tokeep_store_close(be);
	return r;
}

void tokeep_store_close(struct tokeep_backend *be)
{
	struct table *t = table_of(be);

	table_close(t);
	free(t);
}

int tokeep_store_find_token(struct tokeep_backend *be, struct tokeep_token *token)
{
	return table_find(table_of(be), token);
}

int tokeep_store_find_token_by_id(struct tokeep_backend *be, const char *id, struct tokeep_token *token)
{
	return table_find_by_id(table_of(be), id, token);
}

int tokeep_store_save_token(struct tokeep_backend *be, struct tokeep_token *token)
{
	return table_save(table_of(be), token);
}

int tokeep_store_delete_token(struct tokeep_backend *be, const char *id)
{
	return table_delete(table_of(be), id);
}

int tokeep_store_get_tokens(struct tokeep_backend *be, struct tokeep_sink *sink)
{
	return table_get(table_of(be), sink);
}

int tokeep_store_delete_tokens(struct tokeep_backend *be)
{
	return table_clear(table_of(be));
}

int tokeep_store_swap_token(struct tokeep_backend *be, struct tokeep_token *token, const char *old_refresh_token)
{
	return table_swap(table_of(be), token, old_refresh_token);
}

int tokeep_store_begin(struct tokeep_backend *be)
{
	return table_begin(table_of(be));
}

int tokeep_store_commit(struct tokeep_backend *be, int keep)
{
	return table_commit(table_of(be), keep);
}
