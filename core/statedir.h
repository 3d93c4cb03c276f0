/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* statedir.h: the folder for locks, the journal and what is remembered of refusals; and the small text files in it:
 * a line "key value" each, since no value of ours holds a line break. */
#ifndef TOKEEP_CORE_STATEDIR_H
#define TOKEEP_CORE_STATEDIR_H

#include <stdint.h>
#include <stdio.h>

#include "conf.h"
#include "safefile.h"

/* STATE_DIR/name. Caller frees. NULL: no memory. */
char *statedir_path(const struct conf *conf, const char *name);

/* Makes the folder STATE_DIR/name (NULL: STATE_DIR itself) where it isn't there. TOKEEP_ESTORE. */
int statedir_make(const struct conf *conf, const char *name, struct error *err);

/* "KEY VALUE\n" cut in place; NULL at the end. *line moves on. */
char *statedir_line(char **rest, char **value);

/* The file for one record of one store, "0123456789abcdef-0123456789abcdef". */
#define STATEDIR_NAME 40
void statedir_record_name(uint64_t store, const char *id, char name[STATEDIR_NAME]);

/* Replaces the file STATE_DIR/folder/... at `path`, whole or not at all. -1 with the reason in `why`. */
int statedir_write(const struct conf *conf, const char *folder, const char *path, const char *text, size_t size,
		   char why[SAFEFILE_WHY]);

/* A small file whole, NUL behind it; NULL with errno. Caller wipes and frees *size + 1 bytes. */
char *statedir_read(int fd, size_t *size);
#endif
