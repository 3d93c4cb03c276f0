/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * settings.h: a configuration file as a tree of named texts, each knowing its file and line.
 *
 * settings.c alone knows libconfig. It checks the file itself: who may write it and the folders above
 * it, size, kind, numbers out of range, @include. What the names mean is config.c's.
 */
#ifndef TOKEEP_CORE_SETTINGS_H
#define TOKEEP_CORE_SETTINGS_H

#include <stdbool.h>
#include "error.h"

enum setting_type { SETTING_GROUP, SETTING_STRING, SETTING_INT, SETTING_BOOL, SETTING_FLOAT, SETTING_ARRAY };

struct setting {
	char *name; /* NULL for an element of an array */
	enum setting_type type;
	char *text; /* of a scalar: the string, "42", "true"; NULL for a group or array */
	char *file; /* never NULL */
	int line;
	bool readable; /* others than the owner may read the file (group counts) */
	struct setting *parent, *first, *next;
};

/* Reads and checks one file. The root is a group without a name. */
int settings_read(const char *path, struct setting **root, struct error *err);
void settings_free(struct setting *root); /* wipes */

struct setting *setting_member(const struct setting *group, const char *name);
const char *setting_type_name(enum setting_type type);

/* "FILE:LINE: NAME: why", as every message about a setting begins; NAME with its groups:
 * "clients.crm.client_id". Returns TOKEEP_ECONFIG. */
int setting_refuse(const struct setting *setting, struct error *err, const char *format, ...) TOKEEP_PRINTF(3, 4);

/* Is the name one for a secret (password, client_secret, ...)? Then NAME_file, NAME_env and NAME_command
 * may give it, and inline it must not stand in a file that others may read. */
bool setting_secret_name(const char *name);

/* The value of secret NAME in `group` by whichever of the four forms is there, NULL where none. More than
 * one, an unreadable file, an unset variable, a failing command: refused. Caller frees with secret_free. */
int setting_secret(const struct setting *group, const char *name, char **value, struct error *err);

/* "~/..." expanded, relative refused. Caller frees. */
int setting_path(const struct setting *setting, char **path, struct error *err);
#endif
