/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* private.h: the library's own shared objects, each of which keeps a foreign library away until it is needed. */
#ifndef TOKEEP_CORE_PRIVATE_H
#define TOKEEP_CORE_PRIVATE_H

#include "error.h"

/* The object `symbol` of private/NAME.so under the library's folder, whose first member is its version as an unsigned int.
 * *found NULL and 0: this build has no such part. TOKEEP_ELOAD: it is there and can't be used; `need` says what for. */
int private_load(const char *name, const char *symbol, unsigned int version, const char *need, const void **found,
		 struct error *err);
#endif
