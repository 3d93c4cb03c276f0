/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backend_option.h: what the library makes of a store's options before and after the store has seen them. */
#ifndef TOKEEP_CORE_BACKEND_OPTION_H
#define TOKEEP_CORE_BACKEND_OPTION_H

#include "backend.h"

void option_drop_all(struct tokeep_backend *be); /* wipes */

/* TOKEEP_ECONFIG where the group holds an option that open did not ask for. */
int option_refuse_unasked(struct tokeep_backend *be);

/* "NAME: why" from open, with the file and line of option NAME before it. Returns r. */
int option_place_refusal(struct tokeep_backend *be, int r);
#endif
