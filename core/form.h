/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* form.h: application/x-www-form-urlencoded, which OAuth speaks in requests, redirects, Basic credentials and
 * some answers (RFC 6749, appendix B). Knows nobody. */
#ifndef TOKEEP_CORE_FORM_H
#define TOKEEP_CORE_FORM_H

#include <stdbool.h>
#include <stddef.h>

struct form {
	char *text; /* NULL: nothing was added yet */
	size_t size, room;
	bool failed; /* memory was short; what was added is not whole */
};

/* Adds name=value; a NULL value adds nothing. Memory that is short is remembered in `failed`, so that one look at the
 * end is enough. */
void form_add(struct form *form, const char *name, const char *value);
void form_free(struct form *form); /* wipes */

/* The encoded text; NULL: out of memory. Caller frees with secret_free. */
char *form_encode(const char *text);

/* Each pair of a form in turn, decoded; both texts are followed by a NUL, may hold others, and are wiped
 * after the call. Stops when `each` returns not 0 and returns that; -1 where the text is no form or memory is short. */
int form_decode(const char *text, size_t size,
		int (*each)(void *data, const char *name, size_t name_size, const char *value, size_t value_size),
		void *data);
#endif
