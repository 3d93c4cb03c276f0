/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lease.h: the right to refresh one token: the store's own lock where it has one, else the host's. */
#ifndef TOKEEP_CORE_LEASE_H
#define TOKEEP_CORE_LEASE_H

#include "backend.h"

struct lease {
	struct tokeep_backend *be;
	char *key;
	int fd;          /* of the host's lock file, -1: the store's lock */
	int64_t byte;
	int64_t ends_ms; /* by lease_clock_ms() */
};

/* Waits up to wait_ms; holds it for hold_ms at most (a store's lease then ends by itself). TOKEEP_ESTORE. */
int lease_take(struct lease *lease, struct tokeep_backend *be, const char *id, int64_t wait_ms, int64_t hold_ms,
	       struct error *err);
/* Keeps what `err` says. */
void lease_release(struct lease *lease, struct error *err);
int64_t lease_left_ms(const struct lease *lease);

/* Runs on through suspend, never set by anybody. */
int64_t lease_clock_ms(void);

/* How far a lease on this store reaches: TOKEEP_SCOPE_... */
unsigned int lease_scope(const struct tokeep_backend *be);
#endif
