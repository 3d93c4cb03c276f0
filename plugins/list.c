/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * list.c: tokens in a linked list. The shortest complete store: read it to write your own.
 *
 * A store is a shared object that defines two or three constants and six functions; the library finds
 * them by name. Options come from the store's group in tokeep.conf:
 *
 *     store = "list";
 *     list = { name = "default"; };
 *
 * All contexts of a process that give the same name share one list, which ends with the process.
 */
#include <tokeep-store.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Which interface we were built for: the library refuses to load what it wouldn't understand. */
const unsigned int tokeep_store_abi = TOKEEP_STORE_ABI;

/* Nobody outside this process sees these tokens. A store on disk leaves this out or says HOST. */
const unsigned int tokeep_store_scope = TOKEEP_SCOPE_PROCESS;

/* What `tokeep stores` prints. */
const char tokeep_store_description[] = "a linked list; tokens end with the process";

struct node {
	struct tokeep_token *row;
	struct node *next;
};

struct list {
	char *name;
	struct node *first, **end;  /* end: where the next one goes */
	unsigned long long last_id; /* the highest one ever given, so that none is given twice */
	struct list *next;
};

static struct list *lists;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards all of the above */

static void lock(void)
{
	pthread_mutex_lock(&mutex);
}

static void unlock(void)
{
	pthread_mutex_unlock(&mutex);
}

/* A thread that forks takes the mutex along in a known state: free. */
static void prepare(void)
{
	pthread_atfork(lock, unlock, unlock);
}

static struct list *find_or_add_list(const char *name)
{
	struct list *list;

	for (list = lists; list; list = list->next)
		if (!strcmp(list->name, name))
			return list;
	list = calloc(1, sizeof(*list));
	if (!list)
		return NULL;
	list->name = strdup(name);
	if (!list->name) {
		free(list);
		return NULL;
	}
	list->end = &list->first;
	list->next = lists;
	lists = list;
	return list;
}

/* May be left out, like everything but the six. Options are asked for here and nowhere else; what hangs
 * on the handle is ours. There is no tokeep_store_close(): nothing is to be closed. */
int tokeep_store_open(struct tokeep_backend *be)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const char *name = tokeep_backend_option(be, "name", "default");
	struct list *list;

	pthread_once(&once, prepare);
	lock();
	list = find_or_add_list(name);
	unlock();
	tokeep_backend_set_data(be, list);
	return list ? 0 : TOKEEP_ENOMEM; /* the library has words for this one */
}

/*
 * Helpers. Whoever calls them holds the mutex.
 */

static int copy(struct tokeep_token *to, const struct tokeep_token *from)
{
	int r = 0;

	for (int f = 0; !r && tokeep_field_name(f); f++)
		r = tokeep_token_set(to, f, tokeep_token_get(from, f));
	return r;
}

/* Never NULL: the link to the row's node, or the one at the end. */
static struct node **find_id(struct list *list, const char *id)
{
	struct node **link;

	for (link = &list->first; *link; link = &(*link)->next)
		if (!strcmp(tokeep_token_get((*link)->row, TOKEEP_FIELD_ID), id))
			break;
	return link;
}

static int no_such_id(struct tokeep_backend *be, const char *id)
{
	return tokeep_backend_fail(be, TOKEEP_ENOTFOUND, "list: no token has the id %s", id);
}

/* The row that is wanted. A store never decides by itself whether one is: tokeep_token_matches() does,
 * and answers 2 for a row that counts only where no row is a better match. A database may narrow the rows
 * first, by the field that tokeep_token_key() names. */
static int find_wanted(struct tokeep_backend *be, const struct tokeep_token *wanted,
		       struct node **found)
{
	struct list *list = tokeep_backend_data(be);
	struct node *last[3] = { NULL };
	int count[3] = { 0 }, fit;

	for (struct node *n = list->first; n; n = n->next) {
		fit = tokeep_token_matches(n->row, wanted);
		last[fit] = n;
		count[fit]++;
	}
	fit = count[1] ? 1 : 2;
	if (count[fit] > 1)
		return tokeep_backend_fail(be, TOKEEP_EAMBIGUOUS, "list: more than one token fits");
	if (!count[fit])
		return tokeep_backend_fail(be, TOKEEP_ENOTFOUND, "list: no such token");
	*found = last[fit];
	return 0;
}

static int is_other(const struct tokeep_token *row, const struct tokeep_token *token, int field)
{
	const char *have = tokeep_token_get(row, field), *given = tokeep_token_get(token, field);

	return have && given && strcmp(have, given);
}

/* An id is not a licence to overwrite somebody else. */
static int check_account(struct tokeep_backend *be, const struct tokeep_token *row,
			 const struct tokeep_token *token)
{
	if (!is_other(row, token, TOKEEP_FIELD_USER_NAME) &&
	    !is_other(row, token, TOKEEP_FIELD_CLIENT_ID))
		return 0;
	return tokeep_backend_fail(be, TOKEEP_EINVAL,
				   "list: the token with the id %s is of another user or client",
				   tokeep_token_get(row, TOKEEP_FIELD_ID));
}

/* Writes what is given and keeps the rest. The new row is whole before the old one goes. */
static int update(struct node *n, struct tokeep_token *token)
{
	struct tokeep_token *row = tokeep_token_new();
	int r = row ? copy(row, token) : TOKEEP_ENOMEM;

	if (!r)
		r = tokeep_token_merge(row, n->row);
	if (!r)
		r = tokeep_token_set(token, TOKEEP_FIELD_ID, tokeep_token_get(row, TOKEEP_FIELD_ID));
	if (r) {
		tokeep_token_free(row);
		return r;
	}
	tokeep_token_free(n->row); /* this wipes it */
	n->row = row;
	return 0;
}

static int append(struct list *list, const struct tokeep_token *token)
{
	struct node *n = calloc(1, sizeof(*n));
	int r = TOKEEP_ENOMEM;

	if (n)
		n->row = tokeep_token_new();
	if (n && n->row)
		r = copy(n->row, token);
	if (r) {
		tokeep_token_free(n ? n->row : NULL);
		free(n);
		return r;
	}
	*list->end = n;
	list->end = &n->next;
	return 0;
}

static void drop(struct list *list, struct node **link)
{
	struct node *n = *link;

	*link = n->next;
	if (list->end == &n->next)
		list->end = link;
	tokeep_token_free(n->row);
	free(n);
}

/* An id that somebody brings may be any text; only a number moves the counter. */
static void note_id(struct list *list, const char *id)
{
	unsigned long long number;

	if (strspn(id, "0123456789") != strlen(id) || strlen(id) > 18)
		return;
	number = strtoull(id, NULL, 10);
	if (list->last_id < number)
		list->last_id = number;
}

static int insert(struct list *list, struct tokeep_token *token)
{
	char next[24];
	int r = 0;

	snprintf(next, sizeof(next), "%llu", list->last_id + 1);
	if (!tokeep_token_get(token, TOKEEP_FIELD_ID))
		r = tokeep_token_set(token, TOKEEP_FIELD_ID, next);
	if (!r)
		r = append(list, token);
	if (!r)
		note_id(list, tokeep_token_get(token, TOKEEP_FIELD_ID));
	return r;
}

static int save(struct tokeep_backend *be, struct tokeep_token *token)
{
	struct list *list = tokeep_backend_data(be);
	const char *id = tokeep_token_get(token, TOKEEP_FIELD_ID);
	struct node *n = NULL;
	int r = 0;

	if (id)
		n = *find_id(list, id);
	else
		r = find_wanted(be, token, &n);
	if (r == TOKEEP_ENOTFOUND || (!r && !n))
		return insert(list, token);
	if (!r)
		r = check_account(be, n->row, token);
	return r ? r : update(n, token);
}

/*
 * The six, in the order of tokeep-store.h
 */

int tokeep_store_find_token(struct tokeep_backend *be, struct tokeep_token *token)
{
	struct node *n;
	int r;

	lock();
	r = find_wanted(be, token, &n);
	if (!r)
		r = copy(token, n->row);
	unlock();
	return r;
}

int tokeep_store_find_token_by_id(struct tokeep_backend *be, const char *id,
				  struct tokeep_token *token)
{
	struct node *n;
	int r;

	lock();
	n = *find_id(tokeep_backend_data(be), id);
	r = n ? copy(token, n->row) : no_such_id(be, id);
	unlock();
	return r;
}

int tokeep_store_save_token(struct tokeep_backend *be, struct tokeep_token *token)
{
	int r;

	lock();
	r = save(be, token);
	unlock();
	return r;
}

int tokeep_store_delete_token(struct tokeep_backend *be, const char *id)
{
	struct list *list = tokeep_backend_data(be);
	struct node **link;
	int r = 0;

	lock();
	link = find_id(list, id);
	if (*link)
		drop(list, link);
	else
		r = no_such_id(be, id);
	unlock();
	return r;
}

/* Rows go to the sink one by one. Whoever reads them may call us again meanwhile and may take his time, so
 * the mutex is free while he does, and he gets the list as it was. A database steps through its cursor. */
int tokeep_store_get_tokens(struct tokeep_backend *be, struct tokeep_sink *sink)
{
	struct list *list = tokeep_backend_data(be), now = { .end = &now.first };
	int r = 0;

	lock();
	for (struct node *n = list->first; !r && n; n = n->next)
		r = append(&now, n->row);
	unlock();
	for (struct node *n = now.first; !r && n; n = n->next)
		r = tokeep_sink_put(sink, n->row);
	while (now.first)
		drop(&now, &now.first);
	return r;
}

int tokeep_store_delete_tokens(struct tokeep_backend *be)
{
	struct list *list = tokeep_backend_data(be);

	lock();
	while (list->first)
		drop(list, &list->first);
	unlock();
	return 0;
}

/* May be left out: then the library compares and saves under its own lock. Here it is one step, so that a
 * refresh which somebody else has done meanwhile is never overwritten. */
int tokeep_store_swap_token(struct tokeep_backend *be, struct tokeep_token *token,
			    const char *old_refresh_token)
{
	const char *id = tokeep_token_get(token, TOKEEP_FIELD_ID), *now = NULL;
	struct node *n;
	int r;

	lock();
	n = id ? *find_id(tokeep_backend_data(be), id) : NULL;
	if (n)
		now = tokeep_token_get(n->row, TOKEEP_FIELD_REFRESH_TOKEN);
	if (n && !strcmp(now ? now : "", old_refresh_token))
		r = save(be, token);
	else
		r = tokeep_backend_fail(be, TOKEEP_ENOTFOUND,
					"list: the token was changed or deleted meanwhile");
	unlock();
	return r;
}
