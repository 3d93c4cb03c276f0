/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* file_id.h: ids as decimal numbers of any length, for SDKs want numbers and others bring what they like. */
#ifndef TOKEEP_PLUGINS_FILE_ID_H
#define TOKEEP_PLUGINS_FILE_ID_H

#include <stddef.h>

/* Raises `highest` to the number that the line begins with, where its first field is one. */
void file_id_raise(char highest[], const char *line, size_t size);

/* The number after it; `next` has room for a digit more. */
void file_id_next(const char *highest, char next[]);
#endif
