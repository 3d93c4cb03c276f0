/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* file_id.c: ids as decimal numbers of any length. */
#include <config.h>

#include "file_id.h"

#include <string.h>

#include "file_lock.h"

void file_id_raise(char highest[], const char *line, size_t size)
{
	size_t quote = size && *line == '"', digits = 0;

	line += quote;
	size -= quote;
	while (digits < size && line[digits] >= '0' && line[digits] <= '9')
		digits++;
	if (digits < size && line[digits] != (quote ? '"' : ','))
		return;
	while (digits && *line == '0') {
		line++;
		digits--;
	}
	if (!digits || digits > FILE_ID_MAX - 1)
		return;
	if (digits < strlen(highest) || (digits == strlen(highest) && memcmp(line, highest, digits) <= 0))
		return;
	memcpy(highest, line, digits);
	highest[digits] = '\0';
}

void file_id_next(const char *highest, char next[])
{
	size_t i = strlen(highest);

	memcpy(next, highest, i + 1);
	while (i && next[i - 1] == '9')
		next[--i] = '0';
	if (i) {
		next[i - 1]++;
		return;
	}
	memmove(next + 1, next, strlen(next) + 1);
	next[0] = '1';
}
