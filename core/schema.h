/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* schema.h: the keys of tokeep.conf(5) and tokeep-providers(5) as tables, and the one check that walks them. */
#ifndef TOKEEP_CORE_SCHEMA_H
#define TOKEEP_CORE_SCHEMA_H

#include "settings.h"

enum schema_kind {
	KEY_TEXT,    /* a string */
	KEY_PATH,    /* "/..." or "~/..." */
	KEY_NUMBER,  /* whole, within min and max */
	KEY_BOOL,
	KEY_WORD,    /* one of `words` */
	KEY_URL,     /* https, or http to loopback; may begin with {accounts} */
	KEY_SERVER,  /* the same without a template or a path */
	KEY_TEXTS,   /* an array of strings */
	KEY_COMMAND, /* an array of strings, a program and its arguments */
	KEY_SECRET,  /* in any of its four forms */
	KEY_GROUP,   /* its members are `members` */
	KEY_GROUPS,  /* any names, each a group whose members are `members` */
	KEY_STRINGS, /* any names, each a string */
	KEY_PATHS,   /* any names, each a path */
};

struct schema_key {
	const char *name; /* NULL ends a table */
	enum schema_kind kind;
	int64_t min, max;
	const struct schema_key *members;
	const char *const *words;
};

extern const struct schema_key schema_conf[], schema_client[], schema_provider[];
extern const char *const schema_client_auth[], *const schema_dialect[]; /* NULL ends; in the order of the enums */

/* Every member of the group is one of the keys and as it should be. `unknown` (NULL: refuse) is asked about names
 * that are none: 0, they are fine, or refuse with schema_unknown(). */
typedef int schema_unknown_key(void *data, const struct setting *setting, struct error *err);
int schema_check(const struct setting *group, const struct schema_key *keys, schema_unknown_key *unknown, void *data,
		 struct error *err);

/* "unknown key", and the one that may have been meant. */
int schema_unknown(const struct setting *setting, const struct schema_key *keys, struct error *err);

/* A group of options whose names are a store's own business: scalars, and secrets as they should be. */
int schema_check_options(const struct setting *group, struct error *err);

/* May it be a provider's or store's name: [a-z0-9_-], 1 to 32? */
bool schema_name(const char *name);
#endif
