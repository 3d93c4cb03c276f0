/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* error.c: the one message of a context, and its voice for people. Whatever a server, a database or a file
 * said is made fit for a terminal line here, so that no caller has to think of it. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void error_clear(struct error *err)
{
	free(err->text);
	err->text = NULL;
	err->result = 0;
	err->retry_after_s = -1;
}

/* How many bytes at p make a character that must not reach a terminal: C0, DEL, C1, and the bidirectional
 * controls U+061C, U+200E-F, U+202A-E, U+2066-9. */
static size_t control_length(const unsigned char *p)
{
	if (p[0] < 0x20 || p[0] == 0x7f)
		return 1;
	if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
		return 2;
	if (p[0] == 0xd8 && p[1] == 0x9c)
		return 2;
	if (p[0] != 0xe2)
		return 0;
	if (p[1] == 0x80 && ((p[2] >= 0x8e && p[2] <= 0x8f) || (p[2] >= 0xaa && p[2] <= 0xae)))
		return 3;
	if (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)
		return 3;
	return 0;
}

/* In place; the string only gets shorter. */
static void clean(char *text)
{
	unsigned char *from = (unsigned char *)text, *to = from;

	while (*from) {
		size_t n = control_length(from);

		if (n) {
			*to++ = '?';
			from += n;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

char *error_clean(const char *text, size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, size);
	copy[size] = '\0';
	for (size_t i = 0; i < size; i++)
		if (!copy[i])
			copy[i] = '?';
	clean(copy);
	return copy;
}

int error_set(struct error *err, int result, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (text)
		clean(text);
	free(err->text); /* after formatting: an argument may be the old text */
	err->text = text;
	err->result = result;
	err->retry_after_s = -1;
	return result;
}

void error_add(struct error *err, const char *format, ...)
{
	char *more = NULL, *whole = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&more, format, args) < 0)
		more = NULL;
	va_end(args);
	if (more && err->text && asprintf(&whole, "%s%s", err->text, more) >= 0) {
		clean(whole);
		free(err->text);
		err->text = whole;
	}
	free(more);
}

int error_nomem(struct error *err)
{
	error_clear(err);
	err->result = TOKEEP_ENOMEM;
	return TOKEEP_ENOMEM;
}

const char *error_text(const struct error *err)
{
	if (err->text)
		return err->text;
	return err->result ? "out of memory" : "";
}

void error_move(struct error *to, struct error *from)
{
	error_clear(to);
	*to = *from;
	from->text = NULL;
	error_clear(from);
}

void log_say(const struct log *log, int level, const char *format, ...)
{
	char *line = NULL;
	va_list args;

	if (!log || !log->write)
		return;
	va_start(args, format);
	if (vasprintf(&line, format, args) < 0)
		line = NULL;
	va_end(args);
	if (line) {
		clean(line);
		log->write(log->data, level, line);
	}
	free(line);
}
