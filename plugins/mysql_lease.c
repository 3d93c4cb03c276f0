/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mysql_lease.c: the right to refresh one token, for all hosts that share the database: a row in TABLE_lease with an
 * owner and an end by the database's clock.
 *
 * It is taken by one statement that commits by itself (insert, or take over what has ended) and a look at who owns
 * it now. No transaction stays open and no connection need live meanwhile, so it works where locks of a session don't:
 * on Galera, whose nodes certify such a statement, behind proxies, through a restart of the server. A holder that died
 * loses it when its end has come.
 */
#include "mysql_store.h"

#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 4     /* at least, whatever the time */
#define RETRY_MS 50 /* at most, after a lost connection or a deadlock */

#define CREATE(table) \
	"CREATE TABLE IF NOT EXISTS `" table "_lease` (`name` VARBINARY(200) NOT NULL PRIMARY KEY," \
	" `owner` VARBINARY(32) NOT NULL, `ends` DATETIME(3) NOT NULL) ENGINE=InnoDB"

static const char take_text[] =
	"INSERT INTO `{t}_lease` (`name`, `owner`, `ends`)"
	" VALUES (?, ?, UTC_TIMESTAMP(3) + INTERVAL CAST(? AS SIGNED) MICROSECOND)"
	" ON DUPLICATE KEY UPDATE `owner` = IF(`ends` <= UTC_TIMESTAMP(3), ?, `owner`),"
	" `ends` = IF(`owner` = ?, UTC_TIMESTAMP(3) + INTERVAL CAST(? AS SIGNED) MICROSECOND, `ends`)";

static const char look_text[] =
	"SELECT `owner`, TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), `ends`) FROM `{t}_lease` WHERE `name` = ?";

static const char release_text[] = "DELETE FROM `{t}_lease` WHERE `name` = ? AND `owner` = ?";

struct lease {
	const char *key;
	char hold_us[24];
	/* what the last look saw */
	bool mine;
	int64_t ends_in_ms; /* 0: free */
};

/* No right to have this table, or no room for its name: the host's lock can serve instead. */
static int cant_have_table(struct store *s)
{
	switch (s->failure) {
	case ER_TABLEACCESS_DENIED_ERROR:
	case ER_DBACCESS_DENIED_ERROR:
	case ER_SPECIFIC_ACCESS_DENIED_ERROR:
	case ER_TOO_LONG_IDENT:
	case ER_WRONG_TABLE_NAME:
		break;
	default:
		return TOKEEP_ESTORE;
	}
	return error_own(s, TOKEEP_ECONFIG, "no lease between hosts: %s; run: " CREATE("%s") "; and: GRANT SELECT, INSERT,"
			 " UPDATE, DELETE ON `%s`.`%s_lease` TO '%s'@'%%'", s->words, s->table, s->database, s->table,
			 s->user);
}

static int see(struct store *s, void *data)
{
	struct lease *lease = data;
	const char *owner = query_cell(s, 0), *left = query_cell(s, 1);
	long long us = left ? strtoll(left, NULL, 10) : 0;

	lease->mine = owner && !strcmp(owner, s->owner);
	lease->ends_in_ms = us > 0 ? us / 1000 + 1 : 0;
	return 0;
}

static int look(struct store *s, struct lease *lease)
{
	lease->mine = false;
	lease->ends_in_ms = 0;
	return query_rows(s, look_text, &lease->key, 1, see, lease);
}

static int insert_or_take_over(struct store *s, struct lease *lease)
{
	const char *const values[] = { lease->key, s->owner, lease->hold_us, s->owner, s->owner, lease->hold_us };
	int r = query_run(s, take_text, values, 6);

	if (r && s->failure == ER_NO_SUCH_TABLE) {
		r = query_command(s, CREATE("{t}"));
		if (!r)
			r = query_run(s, take_text, values, 6);
	}
	return r;
}

/* Whether a statement that got lost was carried out shows in the look: the owner is one of a kind. */
static int take_once(struct store *s, struct lease *lease)
{
	int r = connection_need(s);

	if (!r)
		r = look(s, lease);
	if (r && s->failure == ER_NO_SUCH_TABLE)
		r = 0;
	if (!r && !lease->mine && !lease->ends_in_ms)
		r = insert_or_take_over(s, lease);
	if (!r && !lease->mine && !lease->ends_in_ms)
		r = look(s, lease);
	return r && s->failure ? cant_have_table(s) : r;
}

static int make_owner(struct store *s)
{
	unsigned char bytes[(OWNER_SIZE - 1) / 2];

	if (connection_random(bytes, sizeof(bytes)))
		return error_own(s, TOKEEP_ESTORE, "taking the lease: no random bytes to be had");
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(s->owner + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/* Some 50 ms with jitter, less where the lease ends before. */
static void wait_for_turn(const struct lease *lease, int64_t left_ms)
{
	unsigned char jitter = 0;
	int64_t ms;

	connection_random(&jitter, sizeof(jitter));
	ms = 20 + jitter / 4;
	if (lease->ends_in_ms && ms > lease->ends_in_ms)
		ms = lease->ends_in_ms;
	connection_pause(ms < left_ms ? ms : left_ms);
}

/* On Galera a read may lag behind what another node has committed, and a holder has to see that. Elsewhere the
 * variable is unknown; and a connection that gets lost here is set up anew when next needed. */
void lease_session(struct store *s)
{
	query_command(s, s->leased ? "SET SESSION wsrep_sync_wait = 1" : "SET SESSION wsrep_sync_wait = 0");
}

static int is_held(struct store *s, const struct lease *lease, int64_t wait_ms)
{
	return error_own(s, TOKEEP_ESTORE, "another process holds the lease on %s and has not released it in %lld ms;"
			 " it ends by itself in %lld ms", lease->key, (long long)wait_ms,
			 (long long)lease->ends_in_ms);
}

/* Whoever waits for a lease waits for its cluster to find itself again, too: that may take longer than elsewhere in
 * this store is waited for it. */
static bool may_wait(const struct store *s, int64_t left_ms)
{
	return left_ms > 0 && (s->again || s->failure == ER_UNKNOWN_COM_ERROR);
}

int lease_take(struct store *s, const char *key, int64_t wait_ms, int64_t hold_ms)
{
	const int64_t end = connection_clock_ms() + wait_ms;
	struct lease lease = { .key = key };
	int failures = 0, r;
	int64_t left;

	s->doing = "taking the lease";
	r = make_owner(s);
	if (r)
		return r;
	snprintf(lease.hold_us, sizeof(lease.hold_us), "%lld", (long long)hold_ms * 1000);
	for (;;) {
		s->again = false;
		s->failure = 0;
		r = take_once(s, &lease);
		if (!r && lease.mine)
			break;
		left = end - connection_clock_ms();
		if (r && !may_wait(s, left) && (!s->again || ++failures == TRIES))
			return r;
		if (!r && left <= 0)
			return is_held(s, &lease, wait_ms);
		wait_for_turn(&lease, r ? RETRY_MS : left);
	}
	s->leased = true;
	lease_session(s);
	return 0;
}

static int release(struct store *s, const char *key)
{
	const char *const values[] = { key, s->owner };
	int r = connection_need(s);

	return r ? r : query_run(s, release_text, values, 2);
}

int lease_release(struct store *s, const char *key)
{
	int tries, r;

	if (!s->leased)
		return 0;
	s->doing = "releasing the lease";
	s->leased = false;
	for (tries = 1;; tries++) {
		s->again = false;
		r = release(s, key);
		if (!r || !s->again || (!s->soon && tries >= TRIES))
			break;
		connection_pause(RETRY_MS);
	}
	if (r)
		return r;
	if (!s->affected && tries == 1)
		tokeep_backend_log(s->be, TOKEEP_LOG_WARNING, "the lease on %s had ended before it was released", key);
	lease_session(s);
	return 0;
}
