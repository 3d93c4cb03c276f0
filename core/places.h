/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* places.h: the folders that tokeep uses, from the environment or as compiled in. Knows nobody. */
#ifndef TOKEEP_CORE_PLACES_H
#define TOKEEP_CORE_PLACES_H

#include <stdbool.h>

/* Where bare store names and the transport live, and provider files: compiled in, or $TOKEEP_LIBDIR and
 * $TOKEEP_DATADIR (for running from a build tree; not in a setuid program). */
const char *conf_libdir(void);
const char *conf_datadir(void);

/* $HOME, else the password database's. NULL: none. Valid until the thread's next call. */
const char *conf_home(void);

/* Are we setuid, setgid or with file capabilities, so that the environment isn't to be trusted? */
bool places_secure(void);

/* FILE below tokeep's folder in $XDG_CONFIG_HOME (~/.config) or $XDG_STATE_HOME (~/.local/state); FILE NULL: that
 * folder. NULL: no home, or memory is short. Caller frees. */
char *places_config(const char *file);
char *places_state(const char *file);
#endif
