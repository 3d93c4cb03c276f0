/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hostlock.h: locks between processes and threads of one host: an open-file-description lock on a byte of
 * a lock file that is never deleted. It ends with its holder. Also linked into the file and sqlite stores.
 */
#ifndef TOKEEP_CORE_HOSTLOCK_H
#define TOKEEP_CORE_HOSTLOCK_H

#include <stdint.h>

/* The byte for a key; byte 0 is never one. */
int64_t hostlock_byte(const char *key);

/* Opens (creating 0600, close-on-exec, not following a link) the lock file; -1 with errno. */
int hostlock_open(const char *path);

/* 0; -1 with errno: ETIMEDOUT after wait_ms (0: try once), which the monotonic clock measures. */
int hostlock_take(int fd, int64_t byte, int64_t wait_ms);
int hostlock_release(int fd, int64_t byte);
#endif
