/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * memory.c: the store in this process's memory: a SQLite database for each `name`, shared by every context that names
 * it. The table in it is sqlite_table.c's.
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sqlite_table.h"

const unsigned int tokeep_store_abi = TOKEEP_STORE_ABI;
const unsigned int tokeep_store_scope = TOKEEP_SCOPE_PROCESS;
const char tokeep_store_description[] = "the process's memory, by SQLite";

#define NAME_SIZE_MAX 64
#define TIMEOUT_S 30

/*
 * One connection for all, used by one at a time. SQLite's own ways of sharing a database in memory either refuse at
 * once who comes second or let him sleep and try again, for as long as others are quicker.
 *
 * A place lives as long as the process, so that a program may free its only context and find its tokens with the next.
 * The child of a fork() has its parent's places, too, perhaps in use; under its own pid it begins with new ones.
 */
struct place {
	struct place *next;
	pid_t pid;
	char name[NAME_SIZE_MAX + 1];
	pthread_mutex_t guard; /* of `taken` */
	pthread_cond_t given;
	bool taken;
	sqlite3 *db;
	sqlite3_stmt *statements[TABLE_STATEMENTS];
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct place *places;

struct store {
	struct table table;
	struct place *place;
	bool mine; /* the place, now */
};

/*
 * Places
 */

/* A clock that nobody sets ends the waiting. */
static int init_waiting(struct place *place)
{
	pthread_condattr_t attr;
	int r = pthread_condattr_init(&attr);

	if (r)
		return r;
	r = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (!r)
		r = pthread_cond_init(&place->given, &attr);
	pthread_condattr_destroy(&attr);
	return r ? r : pthread_mutex_init(&place->guard, NULL);
}

static struct place *new_place(const char *name)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return NULL;
	if (init_waiting(place) || sqlite3_open_v2(":memory:", &place->db, flags, NULL)) {
		sqlite3_close(place->db);
		free(place);
		return NULL;
	}
	place->pid = getpid();
	memcpy(place->name, name, strlen(name));
	return place;
}

static struct place *place_named(const char *name)
{
	struct place *place;

	pthread_mutex_lock(&guard);
	place = places;
	while (place && (place->pid != getpid() || strcmp(place->name, name)))
		place = place->next;
	if (!place && (place = new_place(name))) {
		place->next = places;
		places = place;
	}
	pthread_mutex_unlock(&guard);
	return place;
}

static int take(struct table *t, bool make)
{
	struct store *store = (struct store *)t; /* its first member */
	struct place *place = store->place;
	struct timespec end;
	int r = 0;

	if (store->mine)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += TIMEOUT_S;
	pthread_mutex_lock(&place->guard);
	while (place->taken && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&place->given, &place->guard, &end);
	store->mine = !place->taken;
	place->taken = true;
	pthread_mutex_unlock(&place->guard);
	if (store->mine)
		return 0;
	return tokeep_backend_fail(t->be, TOKEEP_ESTORE, "%s: in use by another context of this process for %d s",
				   t->where, TIMEOUT_S);
}

static void give(struct table *t)
{
	struct store *store = (struct store *)t;
	struct place *place = store->place;

	if (!store->mine)
		return;
	pthread_mutex_lock(&place->guard);
	place->taken = store->mine = false;
	pthread_cond_signal(&place->given);
	pthread_mutex_unlock(&place->guard);
}

/*
 * The store
 */

static struct store *store_of(struct tokeep_backend *be)
{
	return tokeep_backend_data(be);
}

static int set_up(struct store *store)
{
	struct table *t = &store->table;
	int r = take(t, true);

	if (r)
		return r;
	table_settle(t);
	return table_release(t, table_secure(t));
}

int tokeep_store_open(struct tokeep_backend *be)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	const char *name = tokeep_backend_option(be, "name", "default");
	struct store *store;
	int r;

	if (!*name || strlen(name) > NAME_SIZE_MAX || name[strspn(name, letters)])
		return tokeep_backend_fail(be, TOKEEP_ECONFIG, "name: must be 1 to %d letters, digits, _ and -",
					   NAME_SIZE_MAX);
	store = calloc(1, sizeof(*store));
	if (!store)
		return TOKEEP_ENOMEM;
	store->place = place_named(name);
	if (!store->place) {
		free(store);
		return TOKEEP_ENOMEM;
	}
	store->table = (struct table){
		.be = be,
		.connect = take,
		.release = give,
		.db = store->place->db,
		.statements = store->place->statements,
		.where = tokeep_backend_name(be),
		.name = "oauthtoken",
	};
	tokeep_backend_set_data(be, store);
	r = set_up(store);
	if (r)
		tokeep_store_close(be);
	return r;
}

void tokeep_store_close(struct tokeep_backend *be)
{
	struct store *store = store_of(be);

	if (store->table.batch)
		table_commit(&store->table, false);
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

int tokeep_store_begin(struct tokeep_backend *be)
{
	return table_begin(&store_of(be)->table);
}

int tokeep_store_commit(struct tokeep_backend *be, int keep)
{
	return table_commit(&store_of(be)->table, keep);
}
