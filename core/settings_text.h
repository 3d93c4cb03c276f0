/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * settings_text.h: the text of a configuration file before it is parsed: read from a file that only trusted
 * people may write, @include filled in, and what libconfig would misread refused.
 */
#ifndef TOKEEP_CORE_SETTINGS_TEXT_H
#define TOKEEP_CORE_SETTINGS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "error.h"

/* A file that was read. */
struct source {
	char *path; /* as it was named */
	bool readable; /* others than the owner may read it */
	dev_t device;
	ino_t inode;
};

/* From this line of the text on, lines are those of a source from `line` on. */
struct segment {
	int start, source, line;
};

struct text {
	char *bytes; /* ends in a NUL that size does not count */
	size_t size, room;
	int lines; /* so far, the unfinished one included */
	struct source *sources;
	int source_count;
	struct segment *segments;
	int segment_count;
};

/* TOKEEP_ECONFIG with "FILE:LINE: why" or "FILE: why". On failure the text is freed. */
int text_read(struct text *text, const char *path, struct error *err);
void text_free(struct text *text); /* wipes */

/* Where a line of the text came from. */
const struct source *text_where(const struct text *text, int text_line, int *line);

/* trusted.c: the whole of a file that nobody but root and us may write, in folders where nobody else may replace
 * it. Caller frees with secret_free_size(bytes, size + 1). */
int trusted_read(const char *path, struct source *source, char **bytes, size_t *size, struct error *err);
#define TRUSTED_SIZE_MAX (256 * 1024)
#endif
