/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf.h: tokeep.conf(5): which file is in use, what each name means, and every refusal of a wrong one. */
#ifndef TOKEEP_CORE_CONF_H
#define TOKEEP_CORE_CONF_H

#include "places.h"
#include "settings.h"

struct conf {
	char *file; /* in use, NULL: none was there, all is default */
	struct setting *root;
	bool empty; /* the file sets nothing; what is in root came from us */
	const struct setting *store_setting; /* NULL: default */
	const char *store;                   /* the word: "sqlite", "/opt/x/mine.so" */
	const struct setting *default_client; /* NULL: none */
	int64_t leeway_s, timeout_s, lock_timeout_s;
	int64_t max_age_s, idle_s; /* 0: none */
	char *state_dir;           /* absolute; not made here */
	const char *proxy, *ca_file, *ca_path; /* NULL: not given */
};

/* `path` NULL: the first of the places in tokeep.conf(5). Whole and checked, or refused. */
int conf_read(struct conf *conf, const char *path, struct error *err);
void conf_free(struct conf *conf);

/* The options of a store: its group, NULL where there is none. `name` is a bare name, a name of stores = {}
 * or an absolute path (then the base name without .so). */
struct setting *conf_store_group(const struct conf *conf, const char *name);

/* The shared object for a store's word: a path of stores = {} or the word itself where it is a path; NULL for a
 * bare name. */
const char *conf_store_path(const struct conf *conf, const char *name);
#endif
