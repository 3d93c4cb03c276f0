/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tokeep-store.h: the contract between tokeep and a store.
 *
 * A store is a shared object. It defines the constant and the six functions below, by these names; the
 * library finds them with dlsym(3) and lends it tokeep_backend_*, tokeep_token_* and tokeep_sink_*.
 * Build it with
 *
 *     cc -shared -fPIC -fvisibility=hidden $(pkg-config --cflags --libs tokeep) -o mine.so mine.c
 *
 * and name it by its absolute path, or install it as NAME.so in `pkg-config --variable=storedir tokeep`
 * and call it NAME. plugins/list.c is the shortest complete store and meant to be read;
 * tokeep-store(3) has every rule.
 *
 * Rules that hold for every function a store defines:
 *  - It returns 0 or a negative TOKEEP_E... of tokeep.h, by way of tokeep_backend_fail(), which also
 *    takes the reason in words. "Not there" (TOKEEP_ENOTFOUND) and "can't tell" (TOKEEP_ESTORE) are
 *    different answers.
 *  - Nothing changes hands: it gives values with tokeep_token_set() and tokeep_sink_put(), which copy,
 *    and keeps nothing it was handed.
 *  - It wipes what it frees (any value may be a secret), never prints, never exits, installs no signal
 *    handler, changes neither umask, locale nor working directory.
 *  - One handle is used by one thread at a time; several handles may live in a process. A handle is
 *    never used in a child of fork(): the library opens another (tokeep_store_close is not called for
 *    the parent's).
 */
#ifndef TOKEEP_STORE_H
#define TOKEEP_STORE_H

#include <tokeep.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface: loaded where the major is equal and the minor not newer than the
 * library's. A new optional symbol raises the minor; a changed meaning gets a new name. */
#define TOKEEP_STORE_ABI_MAJOR 1u
#define TOKEEP_STORE_ABI_MINOR 0u
#define TOKEEP_STORE_ABI (TOKEEP_STORE_ABI_MAJOR << 16 | TOKEEP_STORE_ABI_MINOR)

struct tokeep_backend; /* the handle that a store gets */
struct tokeep_sink;    /* where get_tokens puts each token */

/*
 * Must provide
 */

TOKEEP_API extern const unsigned int tokeep_store_abi; /* = TOKEEP_STORE_ABI */

/* The row that tokeep_token_key() and tokeep_token_matches() select; its values replace those in
 * `token`. None: TOKEEP_ENOTFOUND. More than one: TOKEEP_EAMBIGUOUS. Where a given client_id matches
 * no row, rows without a client_id count (tokeep_token_matches returns 2 for such a row). */
TOKEEP_API int tokeep_store_find_token(struct tokeep_backend *be, struct tokeep_token *token);

/* The row with this id, compared byte for byte. */
TOKEEP_API int tokeep_store_find_token_by_id(struct tokeep_backend *be, const char *id,
					     struct tokeep_token *token);

/* `id` given: update that row, or insert with that id; TOKEEP_EINVAL where the row has another
 * user_name or client_id than the one given. Else update the row that find_token would select, or insert
 * with a new id: the numeric maximum plus one as a decimal string, never one given before where the
 * store can remember. A field that is absent keeps what is stored. Sets the id. Durable when it
 * returns 0; otherwise the old row is intact. The library has made sure that there is something to
 * keep. */
TOKEEP_API int tokeep_store_save_token(struct tokeep_backend *be, struct tokeep_token *token);

/* An unknown id: TOKEEP_ENOTFOUND. */
TOKEEP_API int tokeep_store_delete_token(struct tokeep_backend *be, const char *id);

/* Every row by tokeep_sink_put(), one at a time; stop and return what it returns when not 0. Inside the
 * call the same handle may be asked to find. */
TOKEEP_API int tokeep_store_get_tokens(struct tokeep_backend *be, struct tokeep_sink *sink);

/* Nothing is left afterwards, also not in free pages or old copies. */
TOKEEP_API int tokeep_store_delete_tokens(struct tokeep_backend *be);

/*
 * May provide
 */

/* Options, connection, set-up of tables. Options are asked for here and nowhere else: the library
 * reports every option that nobody asked for. An option that can't be: TOKEEP_ECONFIG. Without it: a
 * store without options. When it fails, close is not called. */
TOKEEP_API int tokeep_store_open(struct tokeep_backend *be);
TOKEEP_API void tokeep_store_close(struct tokeep_backend *be);

/* A lease on `key` (at most 200 bytes), within wait_ms. It ends by itself when its holder dies; one that
 * outlives its holder (a row in a database) ends hold_ms after it was taken at the latest. Not to be had in
 * time: TOKEEP_ESTORE. Can't be had here at all: TOKEEP_ECONFIG with the reason and what to run; then the
 * library's lock serves, as it does without these two: it reaches as far as this host. A handle holds one
 * lease at a time. */
TOKEEP_API int tokeep_store_lock(struct tokeep_backend *be, const char *key, int64_t wait_ms, int64_t hold_ms);
TOKEEP_API int tokeep_store_unlock(struct tokeep_backend *be, const char *key);

/* Like save for a token with an id, but only where the row's refresh_token still is old_refresh_token
 * ("" for none): else, and where the row is gone, TOKEEP_ENOTFOUND, and nothing is written. Without it
 * the library reads, compares and saves, under the lease. */
TOKEEP_API int tokeep_store_swap_token(struct tokeep_backend *be, struct tokeep_token *token,
				       const char *old_refresh_token);

/* Many saves as one: import and migrate use it. keep 0: roll back; keep without a begin: TOKEEP_EINVAL. Without it, one
 * by one. */
TOKEEP_API int tokeep_store_begin(struct tokeep_backend *be);
TOKEEP_API int tokeep_store_commit(struct tokeep_backend *be, int keep);

/* Could this be saved? Asked before a refresh token is spent. `token` has the row's id and, in the fields
 * that will change, values as long as those to be expected. Looks at what save would meet: writable,
 * space, width of columns, connection; changes nothing. Without it the library saves the row as it is. */
TOKEEP_API int tokeep_store_probe(struct tokeep_backend *be, const struct tokeep_token *token);

/* How far lock reaches. Without it: host, by the library's lock, and persistence unknown. */
TOKEEP_API extern const unsigned int tokeep_store_scope;

/* One line for `tokeep stores`. */
TOKEEP_API extern const char tokeep_store_description[];

/*
 * What the library lends
 */

/* The option as text, `otherwise` where absent. Valid as long as the handle. A secret (password) may be
 * given by the user as password_file, password_env or password_command; ask for "password". */
TOKEEP_API const char *tokeep_backend_option(struct tokeep_backend *be, const char *name, const char *otherwise);

/* The name under which the store was selected: its group in the configuration. */
TOKEEP_API const char *tokeep_backend_name(const struct tokeep_backend *be);

TOKEEP_API void tokeep_backend_set_data(struct tokeep_backend *be, void *data);
TOKEEP_API void *tokeep_backend_data(struct tokeep_backend *be);

/* Says why and returns `result`. "where: what: why", without a secret. */
TOKEEP_API int tokeep_backend_fail(struct tokeep_backend *be, int result, const char *format, ...)
	TOKEEP_PRINTF(3, 4);
TOKEEP_API void tokeep_backend_log(struct tokeep_backend *be, int level, const char *format, ...)
	TOKEEP_PRINTF(3, 4);

/* The field to look by, -1: nothing to look by (then answer TOKEEP_ENOTFOUND). */
TOKEEP_API int tokeep_token_key(const struct tokeep_token *wanted);

/* Does the row fit what is wanted? 0 no, 1 yes, 2: yes, but only where no row returns 1 (the row has no
 * client_id and one is wanted). */
TOKEEP_API int tokeep_token_matches(const struct tokeep_token *row, const struct tokeep_token *wanted);

/* Fills what is absent in `token` from `row`: then it is what save has to write. */
TOKEEP_API int tokeep_token_merge(struct tokeep_token *token, const struct tokeep_token *row);

/* Not 0: stop, and return it. */
TOKEEP_API int tokeep_sink_put(struct tokeep_sink *sink, const struct tokeep_token *token);

#ifdef __cplusplus
}
#endif
#endif
