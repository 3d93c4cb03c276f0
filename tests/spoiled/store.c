/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store.c: a store that always holds the one token of alice, and the ways in which test_loader.sh spoils it:
 *
 *     (none)             sound
 *     LACKS=find_token   lacks that function (the names of the six), or `abi`
 *     ABI=0x20000        made for another interface
 *     UNDEFINED          calls a function that nobody has
 *     SCOPE=9            a scope that doesn't exist
 *     EXTRA=lock         has that optional function but not the one that goes with it (lock, unlock, begin, commit)
 *     RESULT=7           every call returns this, without a word
 *     OPEN=-10           so does open
 *     SAYS="..."         every call fails with these words
 *     REFUSES            open refuses the value of option `level`
 *     WRONG              gives mallory's token, whatever is asked
 *     NAMELESS           gives tokens without an id
 *     DECOY="path"       tells by a file that it was loaded
 *     DEPENDS            needs another library
 */
#include <tokeep-store.h>

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* LACKS=find_token makes IS_LACKED(find_token) true. */
#define LACKED_abi 1
#define LACKED_find_token 2
#define LACKED_find_token_by_id 3
#define LACKED_save_token 4
#define LACKED_delete_token 5
#define LACKED_get_tokens 6
#define LACKED_delete_tokens 7
#define EXTRA_lock 1
#define EXTRA_unlock 2
#define EXTRA_begin 3
#define EXTRA_commit 4
#define JOIN(a, b) a##b
#define NUMBER_OF(prefix, name) JOIN(prefix, name)

#ifdef LACKS
#define LACKED NUMBER_OF(LACKED_, LACKS)
#else
#define LACKED 0
#endif
#ifdef EXTRA
#define ADDED NUMBER_OF(EXTRA_, EXTRA)
#else
#define ADDED 0
#endif

#ifndef ABI
#define ABI TOKEEP_STORE_ABI
#endif
#if LACKED != LACKED_abi
const unsigned int tokeep_store_abi = ABI;
#endif

#ifdef SCOPE
const unsigned int tokeep_store_scope = SCOPE;
#endif

#ifdef DECOY
__attribute__((constructor)) static void tell(void)
{
	close(open(DECOY, O_CREAT | O_WRONLY, 0600));
}
#endif

#ifdef UNDEFINED
void nobody_has_this(void);
#endif
#ifdef DEPENDS
int from_another_library(void);
#endif

/* What every call does before it does its work. */
static int spoil(struct tokeep_backend *be)
{
#ifdef UNDEFINED
	nobody_has_this();
#endif
#ifdef DEPENDS
	if (from_another_library())
		return TOKEEP_EINTERNAL;
#endif
#ifdef SAYS
	return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s", SAYS);
#endif
#ifdef RESULT
	return RESULT;
#endif
	(void)be;
	return 0;
}

#ifdef WRONG
#define USER "mallory"
#else
#define USER "alice"
#endif

static void give(struct tokeep_token *token)
{
#ifndef NAMELESS
	tokeep_token_set(token, TOKEEP_FIELD_ID, "1");
#endif
	tokeep_token_set(token, TOKEEP_FIELD_USER_NAME, USER);
	tokeep_token_set(token, TOKEEP_FIELD_ACCESS_TOKEN, "a-" USER);
}

int tokeep_store_open(struct tokeep_backend *be)
{
	const char *level = tokeep_backend_option(be, "level", "low");

#ifdef REFUSES
	if (!strcmp(level, "high"))
		return tokeep_backend_fail(be, TOKEEP_ECONFIG, "level: high is not allowed here, low is");
#endif
#ifdef OPEN
	return OPEN;
#endif
	return level ? 0 : TOKEEP_ECONFIG;
}

#if LACKED != LACKED_find_token
int tokeep_store_find_token(struct tokeep_backend *be, struct tokeep_token *token)
{
	int r = spoil(be);

#ifndef WRONG
	if (!r && (!tokeep_token_get(token, TOKEEP_FIELD_USER_NAME) ||
		   strcmp(tokeep_token_get(token, TOKEEP_FIELD_USER_NAME), USER)))
		return TOKEEP_ENOTFOUND;
#endif
	give(token); /* also on failure, which nobody may see */
	return r;
}
#endif

#if LACKED != LACKED_find_token_by_id
int tokeep_store_find_token_by_id(struct tokeep_backend *be, const char *id, struct tokeep_token *token)
{
	int r = spoil(be);

#ifndef WRONG
	if (!r && strcmp(id, "1"))
		return TOKEEP_ENOTFOUND;
#endif
	give(token);
	return r;
}
#endif

#if LACKED != LACKED_save_token
int tokeep_store_save_token(struct tokeep_backend *be, struct tokeep_token *token)
{
#ifndef NAMELESS
	tokeep_token_set(token, TOKEEP_FIELD_ID, "1");
#endif
	return spoil(be);
}
#endif

#if LACKED != LACKED_delete_token
int tokeep_store_delete_token(struct tokeep_backend *be, const char *id)
{
	(void)id;
	return spoil(be);
}
#endif

#if LACKED != LACKED_get_tokens
int tokeep_store_get_tokens(struct tokeep_backend *be, struct tokeep_sink *sink)
{
	struct tokeep_token *token = tokeep_token_new();
	int r = spoil(be);

	give(token);
	if (!r)
		r = tokeep_sink_put(sink, token);
	tokeep_token_free(token);
	return r;
}
#endif

#if LACKED != LACKED_delete_tokens
int tokeep_store_delete_tokens(struct tokeep_backend *be)
{
	return spoil(be);
}
#endif

#if ADDED == EXTRA_lock
int tokeep_store_lock(struct tokeep_backend *be, const char *key, int64_t wait_ms, int64_t hold_ms)
{
	(void)key, (void)wait_ms, (void)hold_ms;
	return spoil(be);
}
#elif ADDED == EXTRA_unlock
int tokeep_store_unlock(struct tokeep_backend *be, const char *key)
{
	(void)key;
	return spoil(be);
}
#elif ADDED == EXTRA_begin
int tokeep_store_begin(struct tokeep_backend *be)
{
	return spoil(be);
}
#elif ADDED == EXTRA_commit
int tokeep_store_commit(struct tokeep_backend *be, int keep)
{
	(void)keep;
	return spoil(be);
}
#endif
