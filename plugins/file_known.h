/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * file_known.h: which values a draft may hold, so that a batch needn't read all rows to learn that a token is new. It may
 * say yes for a value that is gone or never was there, never no for one that is.
 */
#ifndef TOKEEP_PLUGINS_FILE_KNOWN_H
#define TOKEEP_PLUGINS_FILE_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tokeep-store.h>

struct file_known {
	uint64_t *hash; /* NULL: nothing is known, everything may be there; 0: a free place */
	size_t room, used;
};

/* Begins to know; then every row has to be added. Where memory is short, nothing is known from then on. */
void file_known_begin(struct file_known *known);
void file_known_end(struct file_known *known);

/* Every value that a token may be looked up by. Does nothing before begin. */
void file_known_add(struct file_known *known, const struct tokeep_token *token);

/* May a row be there that this value in this field finds? */
bool file_known_may_hold(const struct file_known *known, int field, const char *value);
#endif
