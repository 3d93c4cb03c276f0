/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mysql_change.c: each change in a transaction, repeated where the server asks for that.
 *
 * A connection that is lost before COMMIT was sent has changed nothing: the change is made again over a new one. Lost
 * after that, nobody knows, so the rows are read again; they decide.
 */
#include "mysql_store.h"

#include <mysqld_error.h>
#include <stdlib.h>
#include <string.h>

/* The first one included. A deadlock is over at once, and on Galera what two nodes do at a time ends as one. */
#define TRIES 4
#define DEADLOCK_TRIES 20

static void pause_before_try(int tries)
{
	unsigned char jitter = 0;

	connection_random(&jitter, sizeof(jitter));
	connection_pause((5 + jitter / 8) * (tries < 5 ? tries : 5));
}

static bool is_to_try_again(const struct store *s, int tries)
{
	return s->again && (s->soon || tries < (s->failure == ER_LOCK_DEADLOCK ? DEADLOCK_TRIES : TRIES));
}

/* A table or column that went away is looked for again. */
static void unlearn(struct store *s)
{
	if (s->failure != ER_NO_SUCH_TABLE && s->failure != ER_BAD_FIELD_ERROR)
		return;
	s->learned = false;
	s->ids = IDS_UNKNOWN;
	s->again = true;
}

/*
 * Reading
 */

static int read_once(struct store *s, int (*run)(struct store *s, void *data), void *data)
{
	int r = connection_need(s);

	if (!r)
		r = table_learn(s);
	return r ? r : run(s, data);
}

/* A batch that lost its connection must not go on over a new one. */
static int broken(struct store *s)
{
	return error_own(s, TOKEEP_ESTORE, "%s: the transaction was lost before this: nothing of it is kept", s->doing);
}

int change_read(struct store *s, const char *doing, int (*run)(struct store *s, void *data), void *data)
{
	int r;

	s->doing = doing;
	if (s->broken)
		return broken(s);
	for (int tries = 1;; tries++) {
		s->again = false;
		s->failure = 0;
		r = read_once(s, run, data);
		if (r && s->failure)
			unlearn(s);
		if (s->batch && r && (s->lost || s->failure == ER_LOCK_DEADLOCK))
			s->broken = true;
		if (!r || !s->again || (!s->soon && (s->batch || tries >= 2)))
			return r;
		if (s->soon)
			pause_before_try(tries);
	}
}

/*
 * Changing
 */

static int prepare(struct store *s, const struct change *change)
{
	int r = connection_need(s);

	if (!r)
		r = table_learn(s);
	if (!r && change->creates && !s->has_table)
		r = table_create(s);
	if (!r && s->has_table)
		r = table_check_engine(s);
	if (!r && s->has_table && !change->probes)
		r = ids_prepare(s);
	return r;
}

static int start(struct store *s)
{
	s->ids_locked = false;
	return query_command(s, "START TRANSACTION");
}

/* Keeps what failed before it; a connection that can't even roll back is no more use. */
static void roll_back(struct store *s)
{
	const unsigned int failure = s->failure;
	const bool again = s->again, lost = s->lost;
	struct held held;

	s->ids_locked = false;
	if (!s->db)
		return;
	connection_hold_sigpipe(&held);
	if (mysql_rollback(s->db))
		connection_drop(s);
	connection_release_sigpipe(&held);
	s->failure = failure;
	s->again = again;
	s->lost = lost;
}

static int commit(struct store *s, const struct change *change, void *data)
{
	int r = query_command(s, "COMMIT");

	s->ids_locked = false;
	if (!r || !s->lost) {
		if (r)
			roll_back(s);
		return r;
	}
	r = change_read(s, change->doing, change->holds, data);
	if (!r)
		return 0;
	if (r == TOKEEP_ENOTFOUND) {
		r = error_own(s, TOKEEP_ESTORE, "%s: the connection was lost at the end: nothing was written",
			      change->doing);
		s->again = true;
		return r;
	}
	return error_own(s, r, "%s: the connection was lost at the end and the server can't be asked: whether it was"
			 " written is unknown", change->doing);
}

static int change_once(struct store *s, const struct change *change, void *data)
{
	int r = prepare(s, change);

	if (!r)
		r = start(s);
	if (r)
		return r;
	r = change->run(s, data);
	if (!r && !change->probes)
		return commit(s, change, data);
	roll_back(s);
	return r;
}

static int change_in_batch(struct store *s, const struct change *change, void *data)
{
	int r;

	if (s->broken)
		return broken(s);
	for (int tries = 1;; tries++) {
		s->again = false;
		s->failure = 0;
		r = change->run(s, data);
		/* Of these nothing is left, or something that must not stay. */
		if (r && (s->lost || s->failure == ER_LOCK_DEADLOCK || s->warnings))
			s->broken = true;
		if (!r || s->broken || !is_to_try_again(s, tries))
			return r;
		pause_before_try(tries);
	}
}

int change_run(struct store *s, const struct change *change, void *data)
{
	int r;

	s->doing = change->doing;
	s->warnings = 0;
	if (s->batch)
		return change_in_batch(s, change, data);
	for (int tries = 1;; tries++) {
		s->again = false;
		s->failure = 0;
		r = change_once(s, change, data);
		if (r && s->failure)
			unlearn(s);
		if (!r || !is_to_try_again(s, tries))
			return r;
		pause_before_try(tries);
	}
}

/*
 * Many as one
 */

static int begin_once(struct store *s)
{
	static const struct change batch = { .creates = true };
	int r = prepare(s, &batch);

	if (!r)
		r = start(s);
	if (r)
		return r;
	r = ids_lock(s);
	if (r)
		roll_back(s);
	return r;
}

int change_begin(struct store *s)
{
	int r;

	s->doing = "beginning a transaction";
	if (s->batch)
		return error_own(s, TOKEEP_EINVAL, "%s: there is one already", s->doing);
	for (int tries = 1;; tries++) {
		s->again = false;
		s->failure = 0;
		r = begin_once(s);
		if (r && s->failure)
			unlearn(s);
		if (!r || !is_to_try_again(s, tries))
			break;
		pause_before_try(tries);
	}
	s->batch = !r;
	s->broken = false;
	return r;
}

/* What the batch saved last tells whether it was kept. */
static int holds_batch(struct store *s, void *data)
{
	return s->saved ? row_holds(s, tokeep_token_get(s->saved, TOKEEP_FIELD_ID), s->saved) : 0;
}

int change_commit(struct store *s, bool keep)
{
	static const struct change batch = { .doing = "ending the transaction", .holds = holds_batch };
	int r = 0;

	s->doing = batch.doing;
	s->batch = false;
	if (keep && s->broken)
		r = broken(s);
	if (keep && !r)
		r = commit(s, &batch, NULL);
	else
		roll_back(s);
	s->broken = false;
	tokeep_token_free(s->saved);
	s->saved = NULL;
	return r;
}
