/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * doctor.c: tokeep_check(): everything that a token needs on its way, looked at in turn, each finding with what
 * to do about it. It asks no server, and spends nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "context.h"
#include "expiry.h"
#include "safefile.h"
#include "statedir.h"

/* No machine that runs this has a clock before. */
#define RELEASED_MS INT64_C(1767225600000) /* 2026-01-01 */

struct doctor {
	struct tokeep *tk;
	int (*each)(void *, const struct tokeep_finding *);
	void *data;
	int worst;
	int stopped;
};

/* result: 0 well, positive a warning, negative a failure. */
TOKEEP_PRINTF(4, 5)
static void find(struct doctor *d, int result, const char *subject, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = error_format(format, args);
	va_end(args);
	if (result < 0 && !d->worst)
		d->worst = result;
	if (!d->stopped)
		d->stopped = d->each(d->data, &(struct tokeep_finding){ result, subject, text ? text : "" });
	free(text);
}

/* What the last call said. */
static void find_error(struct doctor *d, const char *subject)
{
	find(d, d->tk->err.result, subject, "%s", error_text(&d->tk->err));
}

/*
 * Folders
 */

/* The first component of `path` that this user can't pass or, for the last that exists, write. NULL: none. */
static char *blocking_component(const char *path, char reason[64])
{
	char *part = strdup(path);
	char *end = part;

	while (part && (end = strchr(end + 1, '/'))) {
		*end = '\0';
		if (faccessat(AT_FDCWD, part, X_OK, AT_EACCESS)) {
			snprintf(reason, 64, "%s", strerror(errno));
			return part;
		}
		*end = '/';
	}
	if (part)
		end = strrchr(part, '/');
	if (end && end != part) {
		*end = '\0';
		if (faccessat(AT_FDCWD, part, W_OK, AT_EACCESS)) {
			snprintf(reason, 64, "can't be written: %s", strerror(errno));
			return part;
		}
	}
	free(part);
	return NULL;
}

static void blame_path(struct doctor *d, const char *subject, const char *path)
{
	char reason[64], *part;

	if (!path || *path != '/')
		return;
	part = blocking_component(path, reason);
	if (part)
		find(d, TOKEEP_ESTORE, subject, "user %d is stopped at %s: %s", (int)geteuid(), part, reason);
	free(part);
}

/*
 * The parts
 */

static void check_config(struct doctor *d)
{
	const struct conf *conf = &d->tk->conf;

	if (conf->file)
		find(d, 0, "config", "%s", conf->file);
	else
		find(d, 0, "config", "no file: all is default; see tokeep.conf(5)");
}

static const char *scope_words(unsigned int scope)
{
	static const char *const words[] = {
		[0] = "one refresh for all runs on this host (by tokeep's lock), persistence unknown",
		[TOKEEP_SCOPE_PROCESS] = "one refresh for all threads of a process; tokens end with the process",
		[TOKEEP_SCOPE_HOST] = "one refresh for all runs on this host",
		[TOKEEP_SCOPE_CLUSTER] = "one refresh for all hosts that share the store",
	};

	return words[scope];
}

static void check_plugin(struct doctor *d)
{
	const struct tokeep_backend *be = d->tk->be;
	const struct setting *where = d->tk->use ? NULL : d->tk->conf.store_setting;

	if (where)
		find(d, 0, "store", "%s, chosen by %s:%d", be->word, where->file, where->line);
	else
		find(d, 0, "store", "%s, by default", be->word);
	find(d, 0, "store", "plugin %s, interface %u.%u", be->plugin.path, be->plugin.abi >> 16,
	     be->plugin.abi & 0xffff);
	find(d, 0, "store", "scope: %s", scope_words(be->plugin.scope));
}

struct sample {
	struct tokeep_token row; /* the first */
	int64_t count;
};

/* All of them are read: a row that can't be is what the doctor is here for. */
static int take_sample(void *data, const struct tokeep_token *token)
{
	struct sample *sample = data;

	return sample->count++ ? 0 : token_copy(&sample->row, token);
}

/* Written and rolled back, where the store can. */
static int try_insert(struct doctor *d)
{
	struct tokeep_token token = { { NULL } };
	int r = backend_begin(d->tk->be);

	if (!r && (tokeep_token_set(&token, TOKEEP_FIELD_USER_NAME, "tokeep-check") ||
		   tokeep_token_set(&token, TOKEEP_FIELD_ACCESS_TOKEN, "tokeep-check")))
		r = error_nomem(&d->tk->err);
	if (!r) {
		struct error said = { .retry_after_s = -1 };

		r = backend_save(d->tk->be, &token);
		error_move(&said, &d->tk->err);
		backend_commit(d->tk->be, 0);
		error_move(&d->tk->err, &said);
	}
	token_clear(&token);
	return r;
}

static void find_store_error(struct doctor *d)
{
	const struct setting *path = d->tk->be->group ? setting_member(d->tk->be->group, "path") : NULL;

	find_error(d, "store");
	blame_path(d, "store", path ? path->text : NULL);
}

static void check_writing(struct doctor *d, const struct sample *sample)
{
	int r = 0;

	if (!sample->count && !d->tk->be->plugin.ops.begin) {
		find(d, 0, "store", "writing was not tried: it is empty, and can't roll back");
		return;
	}
	r = sample->count ? backend_probe(d->tk->be, &sample->row) : try_insert(d);
	if (r)
		find_store_error(d);
	else
		find(d, 0, "store", "can be written");
}

static void check_store(struct doctor *d)
{
	struct sample sample = { .count = 0 };
	int r = backend_get_tokens(d->tk->be, take_sample, &sample);

	if (r)
		find_store_error(d);
	else
		find(d, 0, "store", "can be read; tokens: %" PRId64, sample.count);
	if (!r || sample.count)
		check_writing(d, &sample);
	token_clear(&sample.row);
}

/* A store that can't lock says why, and what would change that. */
static bool lacks_lock(struct doctor *d)
{
	struct tokeep_backend *be = d->tk->be;
	int r;

	if (!backend_has_lock(be))
		return false;
	r = backend_lock(be, "tokeep-check", 1000, 1000);
	if (!r)
		backend_unlock(be, "tokeep-check");
	if (r == TOKEEP_ECONFIG)
		find(d, 1, "lock", "runs on this host are kept apart, other hosts are not: %s", error_text(&d->tk->err));
	return r == TOKEEP_ECONFIG;
}

static void check_lease(struct doctor *d)
{
	struct lease lease = { .fd = -1 };
	bool lacks = lacks_lock(d);
	int r;

	/* A key that no record has: nobody is kept waiting. */
	r = lease_take(&lease, d->tk->be, "tokeep-check", 1000, 1000, &d->tk->err);
	if (r) {
		find_error(d, "lock");
		return;
	}
	if (!lacks)
		find(d, 0, "lock", "%s", lease.fd < 0 ? "by the store" : "by tokeep, on this host");
	lease_release(&lease, &d->tk->err);
}

/*
 * State
 */

static int find_pending(void *data, struct journal *journal)
{
	struct doctor *d = data;
	int64_t ago_s = (expiry_now_ms() - journal->armed_ms) / 1000;

	find(d, 1, "journal", "%s: %s in store %s, asked for %" PRId64 " s ago: %s", journal->path,
	     token_who(&journal->record), journal->store, ago_s,
	     journal->answered ? "an answer that the store did not take yet" :
				 "no answer came; the refresh token may be spent, and is tried once more");
	return 0;
}

static void check_state(struct doctor *d)
{
	const char *path = d->tk->conf.state_dir;
	char why[SAFEFILE_WHY];

	if (statedir_make(&d->tk->conf, "journal", &d->tk->err)) {
		find_error(d, "state");
		blame_path(d, "state", path);
		return;
	}
	if (faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS))
		find(d, TOKEEP_ESTORE, "state", "%s: can't be written: %s", path, strerror(errno));
	else if (safefile_folder(path, why))
		find(d, TOKEEP_ESTORE, "state", "%s: %s", path, why);
	else
		find(d, 0, "state", "%s", path);
	error_clear(&d->tk->err);
	journal_each(&d->tk->conf, find_pending, d, &d->tk->err);
	if (d->tk->err.result)
		find_error(d, "journal");
}

static void check_clock(struct doctor *d)
{
	int64_t now_ms = expiry_now_ms();
	struct stat st;

	if (now_ms < RELEASED_MS)
		find(d, 1, "clock", "it is %" PRId64 " s before the release of this tokeep: expiry can't be told", (RELEASED_MS - now_ms) / 1000);
	else if (!stat(d->tk->conf.state_dir, &st) && (int64_t)st.st_mtime > now_ms / 1000 + 60)
		find(d, 1, "clock", "%s was changed %" PRId64 " s in the future: the clock has been set back",
		     d->tk->conf.state_dir, (int64_t)st.st_mtime - now_ms / 1000);
	else
		find(d, 0, "clock", "sane");
}

/*
 * Clients and providers
 */

static int check_client(void *data, const char *name, const struct setting *group)
{
	struct doctor *d = data;
	struct client *client = NULL;
	const char *secret;
	char *subject;

	if (asprintf(&subject, "client %s", name) < 0)
		return 0;
	if (client_named(&d->tk->conf, name, NULL, &client, &d->tk->err) || client_secret(client, &secret, &d->tk->err)) {
		find_error(d, subject);
	} else {
		find(d, 0, subject, "%s:%d: %s%s%s%s", group->file, group->line,
		     client->token_url ? client->token_url : client->issuer ? client->issuer : "no server",
		     client->data_center ? ", data centre " : "", client->data_center ? client->data_center : "",
		     secret ? "" : ", no secret");
		error_clear(&d->tk->err);
	}
	client_free(client);
	free(subject);
	return d->stopped;
}

static int check_provider(void *data, const struct tokeep_provider_info *info)
{
	struct doctor *d = data;

	if (info->error)
		find(d, TOKEEP_ECONFIG, "provider", "%s", info->error);
	return d->stopped;
}

static void check_transport(struct doctor *d)
{
	const struct transport *transport;
	const char *versions, *end;

	if (http_transport(&transport, &d->tk->err)) {
		find_error(d, "transport");
		return;
	}
	versions = transport->describe();
	end = strchr(versions, ' ');
	end = end ? strchrnul(end + 1, ' ') : versions + strlen(versions); /* libcurl and its TLS: the rest is a page */
	find(d, 0, "transport", "%.*s", (int)(end - versions), versions);
}

int tokeep_check(struct tokeep *tk, int (*each)(void *, const struct tokeep_finding *), void *data)
{
	struct doctor d = { .tk = tk, .each = each, .data = data };
	int r = context_begin(tk);

	if (r)
		return r;
	check_config(&d);
	check_state(&d);
	if (context_store(tk)) {
		find_error(&d, "store");
	} else {
		check_plugin(&d);
		check_store(&d);
		check_lease(&d);
	}
	client_names(&tk->conf, check_client, &d);
	provider_list(&tk->conf, check_provider, &d, &tk->err);
	check_transport(&d);
	check_clock(&d);
	error_clear(&tk->err);
	if (d.worst)
		error_set(&tk->err, d.worst, "something is wrong: see the findings");
	return d.stopped ? d.stopped : d.worst;
}
