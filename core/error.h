/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* error.h: the one message of a context, and its voice for people (the log). */
#ifndef TOKEEP_CORE_ERROR_H
#define TOKEEP_CORE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <tokeep.h>

struct error {
	int result;            /* of the message, 0: none */
	char *text;            /* NULL after a failed allocation: error_text() copes */
	int64_t retry_after_s; /* -1: nobody said */
};

void error_clear(struct error *err);
/* Replaces what was said, cleans control characters, returns `result`. */
int error_set(struct error *err, int result, const char *format, ...) TOKEEP_PRINTF(3, 4);
/* Adds ": ..." or "; run: ..." behind what was said. */
void error_add(struct error *err, const char *format, ...) TOKEEP_PRINTF(2, 3);
/* The usual one when memory is short. */
int error_nomem(struct error *err);
const char *error_text(const struct error *err);
/* Moves `from` to `to` and clears it. */
void error_move(struct error *to, struct error *from);

/* As vasprintf; NULL: no memory. Caller frees. */
char *error_format(const char *format, va_list args) TOKEEP_PRINTF(1, 0);

/* A copy fit for a terminal line: C0, C1 and bidirectional controls become '?'. Caller frees. */
char *error_clean(const char *text, size_t size);

struct log {
	void (*write)(void *data, int level, const char *line);
	void *data;
};
void log_say(const struct log *log, int level, const char *format, ...) TOKEEP_PRINTF(3, 4);
#endif
