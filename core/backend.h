/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backend.h: the handle that a store gets, and the guarded calls into it.
 *
 * The guards make sure of what a caller may rely on with any plugin: a failure has a text, a success has none;
 * a result is one of tokeep.h; a token that was looked for is the one that was wanted, byte for byte; an output is untouched on
 * failure; a handle of the parent is never used in a child of fork().
 */
#ifndef TOKEEP_CORE_BACKEND_H
#define TOKEEP_CORE_BACKEND_H

#include <sys/types.h>

#include "loader.h"
#include "token.h"

struct option; /* what open asked for */

struct tokeep_backend {
	const struct conf *conf;
	char *word;                  /* as in the config's `store` */
	char *name;                  /* the group's: the word, or a path's base name */
	const struct setting *group; /* NULL: no options given */
	struct plugin plugin;
	struct option *options;
	bool opening;                /* options may be asked for */
	struct error option_error;   /* of an option that could not be read */
	void *data;                  /* the plugin's */
	pid_t pid;                   /* who opened it, 0: nobody */
	struct error *err;           /* the context's */
	const struct log *log;
};

/* Loads the plugin; the store is opened by the first call that needs it. */
int backend_load(const struct conf *conf, const char *word, const struct log *log, struct error *err,
		 struct tokeep_backend **be);
void backend_free(struct tokeep_backend *be); /* closes; NULL is fine */

/* Opens where that is due: every call below begins with it. */
int backend_ready(struct tokeep_backend *be);

/* The six. On failure `token` is untouched. */
int backend_find(struct tokeep_backend *be, struct tokeep_token *token);
int backend_find_by_id(struct tokeep_backend *be, const char *id, struct tokeep_token *token);
int backend_save(struct tokeep_backend *be, struct tokeep_token *token); /* sets the id, nothing else */
int backend_delete(struct tokeep_backend *be, const char *id);
int backend_get_tokens(struct tokeep_backend *be, int (*each)(void *, const struct tokeep_token *), void *data);
int backend_delete_tokens(struct tokeep_backend *be);

/* The rest, with what stands in for it where the plugin lacks it. */
int backend_begin(struct tokeep_backend *be);
int backend_commit(struct tokeep_backend *be, int keep);
int backend_swap(struct tokeep_backend *be, struct tokeep_token *token, const char *old_refresh_token);
int backend_probe(struct tokeep_backend *be, const struct tokeep_token *token);

/* TOKEEP_ECONFIG: the store can't lock here (its message says why), the host's lock is to serve. */
int backend_lock(struct tokeep_backend *be, const char *key, int64_t wait_ms, int64_t hold_ms);
int backend_unlock(struct tokeep_backend *be, const char *key);
bool backend_has_lock(const struct tokeep_backend *be);

/* Tells stores apart: the plugin's path and its options, but no secret. Two configurations that name the same
 * store in the same words agree. */
uint64_t backend_identity(const struct tokeep_backend *be);
#endif
