/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* loader.h: from a store's word to its entry points. loader.c alone knows dlopen for stores. */
#ifndef TOKEEP_CORE_LOADER_H
#define TOKEEP_CORE_LOADER_H

#include <tokeep-store.h>
#include "conf.h"

/* The members have the types of the public prototypes, so that the two can't drift apart. */
struct store_ops {
	__typeof__(tokeep_store_find_token) *find_token;
	__typeof__(tokeep_store_find_token_by_id) *find_token_by_id;
	__typeof__(tokeep_store_save_token) *save_token;
	__typeof__(tokeep_store_delete_token) *delete_token;
	__typeof__(tokeep_store_get_tokens) *get_tokens;
	__typeof__(tokeep_store_delete_tokens) *delete_tokens;
	/* NULL where the plugin lacks them */
	__typeof__(tokeep_store_open) *open;
	__typeof__(tokeep_store_close) *close;
	__typeof__(tokeep_store_lock) *lock;
	__typeof__(tokeep_store_unlock) *unlock;
	__typeof__(tokeep_store_swap_token) *swap_token;
	__typeof__(tokeep_store_begin) *begin;
	__typeof__(tokeep_store_commit) *commit;
	__typeof__(tokeep_store_probe) *probe;
};

struct plugin {
	char *path;
	struct store_ops ops;
	unsigned int abi, scope; /* scope 0: it doesn't say */
	const char *description; /* NULL */
};

/* The plugin for a word of `store`. TOKEEP_ELOAD, and what to do about it. */
int loader_load(const struct conf *conf, const char *word, struct plugin *plugin, struct error *err);
void loader_free(struct plugin *plugin); /* the object itself stays loaded */

/* The bare names that are installed, sorted; stops when `each` returns not 0. */
int loader_installed(int (*each)(void *data, const char *name), void *data);
#endif
