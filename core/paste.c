/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* paste.c: lines that somebody pastes while something else is waited for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "paste.h"
#include "secret.h"

static const char blanks[] = " \t\r\n";

void paste_free(struct paste *paste)
{
	secret_free_size(paste->text, paste->text ? PASTE_MAX + 1 : 0);
	paste->text = NULL;
	paste->size = 0;
}

/* A terminal gives a line or a part of it; nothing is read ahead of the first line's end but what was pasted with it,
 * and that is dropped. */
static const char *take_line(struct paste *paste)
{
	char *line = paste->text, *end;

	line[paste->size] = '\0';
	end = strchr(line, '\n');
	if (!end && paste->size < PASTE_MAX)
		return NULL;
	paste->size = 0;
	if (end)
		*end = '\0';
	line += strspn(line, blanks);
	end = line + strlen(line);
	while (end > line && strchr(blanks, end[-1]))
		*--end = '\0';
	return *line ? line : NULL;
}

const char *paste_line(struct paste *paste)
{
	ssize_t n;

	if (!paste->text)
		paste->text = malloc(PASTE_MAX + 1);
	if (!paste->text)
		n = 0;
	else
		n = read(paste->fd, paste->text + paste->size, PASTE_MAX - paste->size);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return NULL;
	if (n <= 0) {
		paste->fd = -1;
		return NULL;
	}
	paste->size += n;
	return take_line(paste);
}
