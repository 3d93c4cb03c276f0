/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rules.h: the rules of grants.h by name, as the command line and /_sandbox/set give them. */
#ifndef SANDBOX_RULES_H
#define SANDBOX_RULES_H

#include "sandbox.h"

struct rules rules_of(enum dialect dialect); /* what each dialect begins with */
/* "token-life", "5". NULL, or what is wrong (a constant). */
const char *rules_set(struct rules *rules, const char *name, const char *value);
#endif
