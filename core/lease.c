/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lease.c: the right to refresh one token. */
#include "lease.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hostlock.h"
#include "statedir.h"

#define KEY_MAX 200 /* tokeep-store.h */

int64_t lease_clock_ms(void)
{
	struct timespec now;

#ifdef CLOCK_BOOTTIME
	if (!clock_gettime(CLOCK_BOOTTIME, &now))
		return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
#endif
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* An id of any length makes a key that a database column can hold. */
static char *store_key(const char *id)
{
	char *key, name[STATEDIR_NAME];

	if (strlen(id) + sizeof("refresh:") <= KEY_MAX)
		return asprintf(&key, "refresh:%s", id) < 0 ? NULL : key;
	statedir_record_name(0, id, name);
	return asprintf(&key, "refresh:%.100s:%s", id, name) < 0 ? NULL : key;
}

static char *host_key(const struct tokeep_backend *be, const char *id)
{
	bool process = be->plugin.scope == TOKEEP_SCOPE_PROCESS;
	char *key;

	/* What ends with the process is nobody else's business. */
	if (asprintf(&key, "%016" PRIx64 ":%jd:%s", backend_identity(be), process ? (intmax_t)be->pid : 0, id) < 0)
		return NULL;
	return key;
}

static int take_host(struct lease *lease, const char *id, int64_t wait_ms, struct error *err)
{
	char *key = host_key(lease->be, id), *path = statedir_path(lease->be->conf, "lock");
	int r;

	if (!key || !path) {
		free(key);
		free(path);
		return error_nomem(err);
	}
	lease->byte = hostlock_byte(key);
	r = statedir_make(lease->be->conf, NULL, err);
	if (!r && (lease->fd = hostlock_open(path)) < 0)
		r = error_set(err, TOKEEP_ESTORE, "%s: can't be opened: %s", path, strerror(errno));
	if (!r && hostlock_take(lease->fd, lease->byte, wait_ms))
		r = error_set(err, TOKEEP_ESTORE,
			      "%s: token %s is being refreshed by another run (waited %" PRId64 " ms): %s", path,
			      id, wait_ms, strerror(errno));
	if (r && lease->fd >= 0) {
		close(lease->fd);
		lease->fd = -1;
	}
	free(key);
	free(path);
	return r;
}

static int take_store(struct lease *lease, const char *id, int64_t wait_ms, int64_t hold_ms, struct error *err)
{
	lease->key = store_key(id);
	if (!lease->key)
		return error_nomem(err);
	return backend_lock(lease->be, lease->key, wait_ms, hold_ms);
}

int lease_take(struct lease *lease, struct tokeep_backend *be, const char *id, int64_t wait_ms, int64_t hold_ms,
	       struct error *err)
{
	int r = TOKEEP_ECONFIG;

	*lease = (struct lease){ .be = be, .fd = -1 };
	if (backend_has_lock(be)) {
		r = take_store(lease, id, wait_ms, hold_ms, err);
		if (r == TOKEEP_ECONFIG)
			log_say(be->log, TOKEEP_LOG_NOTICE, "%s; locking on this host alone", error_text(err));
		if (r) {
			free(lease->key);
			lease->key = NULL;
		}
	}
	if (r == TOKEEP_ECONFIG)
		r = take_host(lease, id, wait_ms, err);
	/* A host's lock does not end, but a holder that slept through its time is as suspect as one whose lease has
	 * ended. */
	lease->ends_ms = lease_clock_ms() + hold_ms;
	return r;
}

void lease_release(struct lease *lease, struct error *err)
{
	struct error kept = *err;

	*err = (struct error){ .retry_after_s = -1 };
	if (lease->fd >= 0) {
		hostlock_release(lease->fd, lease->byte);
		close(lease->fd);
		lease->fd = -1;
	} else if (lease->key && backend_unlock(lease->be, lease->key)) {
		log_say(lease->be->log, TOKEEP_LOG_NOTICE, "%s", error_text(err));
	}
	free(lease->key);
	lease->key = NULL;
	error_clear(err);
	*err = kept;
}

int64_t lease_left_ms(const struct lease *lease)
{
	return lease->ends_ms - lease_clock_ms();
}

unsigned int lease_scope(const struct tokeep_backend *be)
{
	if (be->plugin.scope)
		return be->plugin.scope;
	return TOKEEP_SCOPE_HOST;
}
