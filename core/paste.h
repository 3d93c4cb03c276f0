/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* paste.h: lines that somebody pastes while something else is waited for. */
#ifndef TOKEEP_CORE_PASTE_H
#define TOKEEP_CORE_PASTE_H

#include <stdbool.h>
#include <stddef.h>

#define PASTE_MAX (64 << 10)

struct paste {
	int fd;     /* -1: none, or it has ended */
	char *text; /* of a line that isn't whole yet; NULL: nothing */
	size_t size;
};

/* To be called where fd is readable. A whole line, without blanks around it, that is not empty; it is the paste's until the
 * next call. NULL: none yet. */
const char *paste_line(struct paste *paste);
void paste_free(struct paste *paste); /* wipes; fd stays open, since it is the caller's */
#endif
