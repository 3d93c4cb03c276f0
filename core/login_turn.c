/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* login_turn.c: one login of a client in the browser at a time on a host. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "expiry.h"
#include "hostlock.h"
#include "login_turn.h"
#include "statedir.h"

#define LOOK_MS 200 /* between two looks whether it is our turn */

static int open_lock(const struct flow *flow, const char *path, int *fd)
{
	int r = statedir_make(flow->conf, NULL, flow->err);

	if (r)
		return r;
	*fd = hostlock_open(path);
	if (*fd < 0)
		return error_set(flow->err, TOKEEP_ESTORE, "%s: can't be opened: %s", path, strerror(errno));
	return 0;
}

/* 0: it is our turn, or, with *waited, has become so. */
static int wait_for_turn(const struct flow *flow, const struct client *client, const char *path, int fd,
			 int64_t timeout_ms, bool *waited)
{
	int64_t end_ms = lease_clock_ms() + timeout_ms, byte;
	char *key;

	if (asprintf(&key, "browser:%s", client->name) < 0)
		return error_nomem(flow->err);
	byte = hostlock_byte(key);
	free(key);
	while (hostlock_take(fd, byte, 0)) {
		if (errno != ETIMEDOUT)
			return error_set(flow->err, TOKEEP_ESTORE, "%s: can't be locked: %s", path, strerror(errno));
		if (!*waited)
			log_say(flow->log, TOKEEP_LOG_WARNING, "%s: another run is logging in in the browser; waiting for "
				"it", client->name);
		*waited = true;
		if (lease_clock_ms() >= end_ms)
			return error_set(flow->err, TOKEEP_ELOGIN, "%s: another run is logging in in the browser, and does "
					 "not end: finish it there, or end it", client->name);
		poll(NULL, 0, LOOK_MS);
	}
	return 0;
}

struct look {
	const struct client *client;
	const char *user; /* NULL: any */
	int64_t since_ms;
	struct tokeep_token found;
};

static int consider(void *data, const struct tokeep_token *row)
{
	struct look *look = data;
	const char *id = row->value[TOKEEP_FIELD_CLIENT_ID], *user = row->value[TOKEEP_FIELD_USER_NAME];
	const char *issued = row->value[TOKEEP_FIELD_ISSUED_TIME];

	if (!id || strcmp(id, look->client->client_id) || !issued || strtoll(issued, NULL, 10) < look->since_ms)
		return 0;
	if (look->user && (!user || strcmp(look->user, user)))
		return 0;
	return token_copy(&look->found, row) ? TOKEEP_ENOMEM : 1;
}

/* 1: the run that we waited for has got what we want. */
static int look_for_token(const struct flow *flow, const struct client *client, int64_t since_ms,
			  struct tokeep_token *token)
{
	struct look look = { .client = client, .user = token->value[TOKEEP_FIELD_USER_NAME], .since_ms = since_ms };
	int r;

	if (token->value[TOKEEP_FIELD_SCOPE])
		return 0; /* who asks for a scope may want another one than was given */
	r = backend_get_tokens(flow->be, consider, &look);
	if (r == 1) {
		token_move(token, &look.found);
		log_say(flow->log, TOKEEP_LOG_WARNING, "%s: the other run has logged in; its token is taken", client->name);
	}
	token_clear(&look.found);
	if (r == TOKEEP_ENOMEM)
		return error_nomem(flow->err);
	error_clear(flow->err); /* a row that can't be read keeps nobody from logging in */
	return r == 1;
}

int login_turn_take(const struct flow *flow, const struct client *client, int64_t timeout_ms,
		    struct tokeep_token *token, int *fd)
{
	char *path = statedir_path(flow->conf, "lock");
	/* It may have had its answer already when we came. */
	int64_t since_ms = expiry_now_ms() - flow->conf->timeout_s * 1000;
	bool waited = false;
	int r, opened = -1;

	r = path ? open_lock(flow, path, &opened) : error_nomem(flow->err);
	if (!r)
		r = wait_for_turn(flow, client, path, opened, timeout_ms, &waited);
	if (!r && waited)
		r = look_for_token(flow, client, since_ms, token);
	free(path);
	if (r && opened >= 0)
		close(opened);
	if (r < 0)
		return r;
	*fd = r ? -1 : opened;
	return 0;
}
