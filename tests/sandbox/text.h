/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text.h: copies of text, and lists of words such as scopes. The sandbox is a test server: without memory it
 * says so and ends, so nothing here fails.
 */
#ifndef SANDBOX_TEXT_H
#define SANDBOX_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memory(size_t size);                  /* zeroed */
char *text_copy(const char *text);          /* NULL gives NULL */
char *text_copy_n(const char *text, size_t length);
void text_replace(char **where, const char *text); /* frees what was there */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool text_same(const char *a, const char *b); /* NULL equals NULL alone */
bool text_number(const char *text, int64_t *number); /* decimal, not negative, nothing behind it */

/* Words separated by blanks or commas (Zoho), as one text with single blanks. */
char *words_plain(const char *list);
bool words_have(const char *plain, const char *word, size_t length);
bool words_within(const char *some, const char *all);

int64_t clock_ms(void); /* since the epoch */
#endif
