/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* text.c: copies of text, lists of words, and the clock. */
#include "config.h"

#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void *must(void *p)
{
	if (!p) {
		fputs("tokeep-sandbox: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *memory(size_t size)
{
	return must(calloc(1, size));
}

char *text_copy(const char *text)
{
	return text ? must(strdup(text)) : NULL;
}

char *text_copy_n(const char *text, size_t length)
{
	return must(strndup(text, length));
}

void text_replace(char **where, const char *text)
{
	char *old = *where;

	*where = text_copy(text);
	free(old);
}

char *text_format(const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	return must(n < 0 ? NULL : text);
}

bool text_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool text_number(const char *text, int64_t *number)
{
	char *end;
	long long n;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || *end)
		return false;
	*number = n;
	return true;
}

static const char separators[] = " ,";

char *words_plain(const char *list)
{
	char *plain = memory(strlen(list) + 2);
	char *end = plain;
	size_t n;

	for (list += strspn(list, separators); *list; list += n, list += strspn(list, separators)) {
		n = strcspn(list, separators);
		if (end > plain)
			*end++ = ' ';
		memcpy(end, list, n);
		end += n;
	}
	return plain;
}

bool words_have(const char *plain, const char *word, size_t length)
{
	size_t n;

	for (; *plain; plain += n, plain += *plain == ' ') {
		n = strcspn(plain, " ");
		if (n == length && !memcmp(plain, word, n))
			return true;
	}
	return false;
}

bool words_within(const char *some, const char *all)
{
	size_t n;

	for (; *some; some += n, some += *some == ' ') {
		n = strcspn(some, " ");
		if (!words_have(all, some, n))
			return false;
	}
	return true;
}

int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
