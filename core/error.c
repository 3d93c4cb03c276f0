/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* error.c: the one message of a context, and its voice for people. Whatever a server, a database or a file
 * said is made fit for a terminal line here, so that no caller has to think of it. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "printable.h"

void error_clear(struct error *err)
{
	free(err->text);
	err->text = NULL;
	err->result = 0;
	err->retry_after_s = -1;
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
	printable_clean(copy);
	return copy;
}

char *error_format(const char *format, va_list args)
{
	char *text;

	return vasprintf(&text, format, args) < 0 ? NULL : text;
}

int error_set(struct error *err, int result, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = error_format(format, args);
	va_end(args);
	if (text)
		printable_clean(text);
	free(err->text); /* after formatting: an argument may be the old text */
	err->text = text;
	err->result = result;
	err->retry_after_s = -1;
	return result;
}

void error_add(struct error *err, const char *format, ...)
{
	char *more, *whole = NULL;
	va_list args;

	va_start(args, format);
	more = error_format(format, args);
	va_end(args);
	if (more && err->text && asprintf(&whole, "%s%s", err->text, more) >= 0) {
		printable_clean(whole);
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
	va_list args;
	char *line;

	if (!log || !log->write)
		return;
	va_start(args, format);
	line = error_format(format, args);
	va_end(args);
	if (line) {
		printable_clean(line);
		log->write(log->data, level, line);
	}
	free(line);
}
