/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * grants.c: codes, tokens and grants under one mutex. Whatever a client may present is a ticket, found by its
 * text in one tree; each ticket belongs to a grant, and a grant owns its tickets.
 */
#include "config.h"

#include "grants.h"
#include "text.h"

#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

enum ticket_kind { CODE, REFRESH, ACCESS, DEVICE, USER_CODE };
static const char *const kind_names[] = { "code", "refresh_token", "access_token", "device_code", "user_code" };

enum state { WAITING, LIVE, REFUSED, KILLED, REVOKED };
static const char *const state_names[] = { "pending", "live", "denied", "killed_by_reuse", "revoked" };

struct ticket {
	struct ticket *next; /* of the same grant */
	enum ticket_kind kind;
	struct grant *grant;
	char *text;
	char *scope;              /* of an access token */
	int64_t expires_ms;       /* 0: never */
	int64_t spent_ms;         /* 0: not yet */
	struct ticket *successor; /* the refresh token that took its place */
};

struct grant {
	struct grant *next;
	unsigned id;
	enum state state;
	char *client_id, *user, *scope, *redirect_uri, *challenge, *nonce;
	bool online, seeded;
	struct ticket *tickets; /* newest first */
	int64_t polled_ms, interval_ms;
	int64_t *issued_ms; /* when access tokens were given, for the throttle: the last throttle_count */
	size_t issued;
};

struct grants {
	pthread_mutex_t mutex;
	struct rules rules;
	struct client *clients;
	struct grant *first, **end;
	unsigned last_id;
	void *tickets; /* tsearch() by text */
	struct grant_counts counts;
};

void issue_free(struct issue *issue)
{
	free(issue->access_token);
	free(issue->refresh_token);
	free(issue->scope);
	free(issue->user);
	free(issue->client_id);
	free(issue->nonce);
	memset(issue, 0, sizeof(*issue));
}

void device_free(struct device *device)
{
	free(device->device_code);
	free(device->user_code);
	memset(device, 0, sizeof(*device));
}

void token_info_free(struct token_info *info)
{
	free(info->user);
	free(info->client_id);
	free(info->scope);
	memset(info, 0, sizeof(*info));
}

/* Tickets. */

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct ticket *)a)->text, ((const struct ticket *)b)->text);
}

static struct ticket *find(struct grants *g, const char *text)
{
	struct ticket wanted = { .text = (char *)text };
	void *node = text ? tfind(&wanted, &g->tickets, by_text) : NULL;

	return node ? *(struct ticket **)node : NULL;
}

static struct ticket *find_kind(struct grants *g, const char *text, enum ticket_kind kind)
{
	struct ticket *t = find(g, text);

	return t && t->kind == kind ? t : NULL;
}

static struct ticket *ticket_add(struct grants *g, struct grant *grant, enum ticket_kind kind, char *text,
				 int64_t life_s)
{
	struct ticket *t = memory(sizeof(*t));

	t->kind = kind;
	t->grant = grant;
	t->text = text; /* taken */
	t->expires_ms = life_s ? clock_ms() + life_s * 1000 : 0;
	t->next = grant->tickets;
	grant->tickets = t;
	if (!tsearch(t, &g->tickets, by_text))
		abort();
	return t;
}

static void ticket_free(struct grants *g, struct ticket *t)
{
	tdelete(t, &g->tickets, by_text);
	free(t->text);
	free(t->scope);
	free(t);
}

static char *token_text(struct grants *g)
{
	char *first = random_hex(16);
	char *second = random_hex(16);
	char *text = text_format("%s%s.%s", g->rules.prefix, first, second);

	free(first);
	free(second);
	return text;
}

static bool expired(const struct ticket *t)
{
	return t->expires_ms && t->expires_ms <= clock_ms();
}

static bool live(const struct ticket *t)
{
	if (t->kind == DEVICE || t->kind == USER_CODE)
		return t->grant->state == WAITING && !expired(t);
	return t->grant->state == LIVE && !t->spent_ms && !expired(t);
}

/* Grants. */

static struct grant *grant_add(struct grants *g, enum state state, const struct login *login)
{
	struct grant *grant = memory(sizeof(*grant));

	grant->id = ++g->last_id;
	grant->state = state;
	grant->client_id = text_copy(login->client_id);
	grant->user = text_copy(login->user);
	grant->scope = words_plain(login->scope ? login->scope : "");
	grant->redirect_uri = text_copy(login->redirect_uri);
	grant->challenge = text_copy(login->challenge);
	grant->nonce = text_copy(login->nonce);
	grant->online = login->online;
	grant->seeded = login->seeded;
	*g->end = grant;
	g->end = &grant->next;
	return grant;
}

static void grant_free(struct grants *g, struct grant *grant)
{
	struct ticket *next;

	for (struct ticket *t = grant->tickets; t; t = next) {
		next = t->next;
		ticket_free(g, t);
	}
	free(grant->client_id);
	free(grant->user);
	free(grant->scope);
	free(grant->redirect_uri);
	free(grant->challenge);
	free(grant->nonce);
	free(grant->issued_ms);
	free(grant);
}

static void forget(struct grants *g)
{
	struct grant *next;

	for (struct grant *grant = g->first; grant; grant = next) {
		next = grant->next;
		grant_free(g, grant);
	}
	g->first = NULL;
	g->end = &g->first;
	memset(&g->counts, 0, sizeof(g->counts));
}

/* Drops access tokens that are over, and the oldest beyond the limit, before one more is given. */
static void make_room(struct grants *g, struct grant *grant)
{
	struct ticket **where = &grant->tickets;
	int64_t kept = 0;

	while (*where) {
		struct ticket *t = *where;

		if (t->kind == ACCESS && (expired(t) || ++kept >= g->rules.access_limit)) {
			*where = t->next;
			ticket_free(g, t);
		} else {
			where = &t->next;
		}
	}
}

static void give_access(struct grants *g, struct grant *grant, const char *scope, struct issue *issue)
{
	struct ticket *t;

	make_room(g, grant);
	t = ticket_add(g, grant, ACCESS, token_text(g), g->rules.token_life_s);
	t->scope = words_plain(scope ? scope : grant->scope);
	issue->access_token = text_copy(t->text);
	issue->scope = text_copy(t->scope);
	issue->expires_in_s = g->rules.token_life_s;
}

static void give_refresh(struct grants *g, struct grant *grant, struct issue *issue)
{
	if (!grant->online)
		issue->refresh_token = text_copy(ticket_add(g, grant, REFRESH, token_text(g), 0)->text);
}

static void tell_who(const struct grant *grant, struct issue *issue)
{
	text_replace(&issue->user, grant->user);
	text_replace(&issue->client_id, grant->client_id);
	text_replace(&issue->nonce, grant->nonce);
}

/* The authorization code. */

char *grants_code(struct grants *g, const struct login *login)
{
	struct grant *grant;
	char *code;

	pthread_mutex_lock(&g->mutex);
	grant = grant_add(g, LIVE, login);
	code = text_copy(ticket_add(g, grant, CODE, token_text(g), g->rules.code_life_s)->text);
	pthread_mutex_unlock(&g->mutex);
	return code;
}

static bool verifier_fits(const struct grant *grant, const char *verifier)
{
	char *made;
	bool fits;

	if (!grant->challenge)
		return !verifier || grant->seeded; /* a verifier without challenge: a downgrade (RFC 9700 2.1.1) */
	if (!verifier)
		return false;
	made = digest_s256(verifier);
	fits = secret_same(made, grant->challenge);
	free(made);
	return fits;
}

static enum verdict exchange(struct grants *g, const char *client_id, const char *code, const char *redirect_uri,
			     const char *verifier, struct issue *issue)
{
	struct ticket *t = find_kind(g, code, CODE);
	struct grant *grant = t ? t->grant : NULL;

	if (!t || !text_same(grant->client_id, client_id))
		return BAD_GRANT;
	tell_who(grant, issue);
	if (t->spent_ms) {
		g->counts.code_reuse_detected++;
		if (g->rules.code_reuse_kills && grant->state == LIVE)
			grant->state = KILLED;
		return BAD_GRANT;
	}
	if (!live(t))
		return BAD_GRANT;
	if (grant->redirect_uri && !text_same(grant->redirect_uri, redirect_uri))
		return BAD_REDIRECT;
	t->spent_ms = clock_ms(); /* one try, whatever the verifier */
	if (!verifier_fits(grant, verifier))
		return BAD_GRANT;
	give_access(g, grant, NULL, issue);
	give_refresh(g, grant, issue);
	return GRANTED;
}

enum verdict grants_exchange(struct grants *g, const char *client_id, const char *code, const char *redirect_uri,
			     const char *verifier, struct issue *issue)
{
	enum verdict v;

	pthread_mutex_lock(&g->mutex);
	v = exchange(g, client_id, code, redirect_uri, verifier, issue);
	pthread_mutex_unlock(&g->mutex);
	return v;
}

/* Refresh and rotation. */

static bool throttled(struct grants *g, struct grant *grant, struct issue *issue)
{
	size_t limit = (size_t)g->rules.throttle_count;
	int64_t now = clock_ms();
	int64_t oldest;

	if (!limit)
		return false;
	if (!grant->issued_ms)
		grant->issued_ms = memory(limit * sizeof(*grant->issued_ms));
	oldest = grant->issued_ms[grant->issued % limit];
	if (oldest && now - oldest < g->rules.throttle_s * 1000) {
		issue->retry_after_s = (oldest + g->rules.throttle_s * 1000 - now + 999) / 1000;
		g->counts.throttled++;
		return true;
	}
	grant->issued_ms[grant->issued++ % limit] = now;
	return false;
}

/* A spent token came again: within its grace the answer may be had once more, else a thief may have it. */
static enum verdict second_use(struct grants *g, struct ticket *t)
{
	bool in_grace = g->rules.rotation == ROTATE_GRACE &&
			clock_ms() - t->spent_ms < g->rules.grace_s * 1000;

	if (in_grace && t->successor && !t->successor->spent_ms) {
		g->counts.grace_refreshes++;
		return GRANTED;
	}
	g->counts.reuse_detected++;
	t->grant->state = KILLED;
	return BAD_GRANT;
}

static void rotate(struct grants *g, struct ticket *t, struct issue *issue)
{
	if (!t->spent_ms && g->rules.rotation != ROTATE_NEVER) {
		t->spent_ms = clock_ms();
		t->successor = ticket_add(g, t->grant, REFRESH, token_text(g), 0);
	}
	if (t->successor)
		issue->refresh_token = text_copy(t->successor->text);
}

static enum verdict refresh(struct grants *g, const char *client_id, const char *token, const char *scope,
			    struct issue *issue)
{
	struct ticket *t = find_kind(g, token, REFRESH);
	struct grant *grant = t ? t->grant : NULL;
	char *narrow;
	bool within;
	enum verdict v;

	if (!t || !text_same(grant->client_id, client_id))
		return BAD_GRANT;
	tell_who(grant, issue);
	if (grant->state != LIVE)
		return BAD_GRANT;
	v = t->spent_ms ? second_use(g, t) : GRANTED;
	if (v)
		return v;
	narrow = words_plain(scope ? scope : grant->scope);
	within = words_within(narrow, grant->scope);
	if (!within) {
		v = BAD_SCOPE;
	} else if (throttled(g, grant, issue)) {
		v = THROTTLED;
	} else {
		give_access(g, grant, narrow, issue);
		rotate(g, t, issue);
		g->counts.refreshes++;
	}
	free(narrow);
	return v;
}

enum verdict grants_refresh(struct grants *g, const char *client_id, const char *refresh_token, const char *scope,
			    struct issue *issue)
{
	enum verdict v;

	pthread_mutex_lock(&g->mutex);
	v = refresh(g, client_id, refresh_token, scope, issue);
	pthread_mutex_unlock(&g->mutex);
	return v;
}

void grants_client_credentials(struct grants *g, const char *client_id, const char *scope, struct issue *issue)
{
	struct login login = { .client_id = client_id, .scope = scope, .online = true };
	struct grant *grant;

	pthread_mutex_lock(&g->mutex);
	grant = grant_add(g, LIVE, &login);
	tell_who(grant, issue);
	give_access(g, grant, NULL, issue);
	pthread_mutex_unlock(&g->mutex);
}

/* The device flow. */

static char *user_code_text(void)
{
	static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ"; /* no vowels, so no words (RFC 8628 6.1) */
	char *noise = random_hex(8);
	char *text = text_copy("XXXX-XXXX");

	for (size_t i = 0; i < 9; i++)
		if (i != 4)
			text[i] = letters[(unsigned char)(noise[i] * 7 + noise[15 - i]) % (sizeof(letters) - 1)];
	free(noise);
	return text;
}

void grants_device(struct grants *g, const char *client_id, const char *scope, struct device *device)
{
	struct login login = { .client_id = client_id, .scope = scope };
	struct grant *grant;
	char *user_code;

	pthread_mutex_lock(&g->mutex);
	do {
		user_code = user_code_text();
	} while (find(g, user_code) && (free(user_code), true));
	grant = grant_add(g, WAITING, &login);
	grant->interval_ms = g->rules.interval_s * 1000;
	ticket_add(g, grant, USER_CODE, user_code, g->rules.device_life_s);
	device->user_code = text_copy(user_code);
	device->device_code =
		text_copy(ticket_add(g, grant, DEVICE, token_text(g), g->rules.device_life_s)->text);
	device->expires_in_s = g->rules.device_life_s;
	device->interval_s = g->rules.interval_s;
	pthread_mutex_unlock(&g->mutex);
}

bool grants_decide(struct grants *g, const char *user_code, const char *user)
{
	struct ticket *t;
	bool waits;

	pthread_mutex_lock(&g->mutex);
	t = find_kind(g, user_code, USER_CODE);
	waits = t && live(t);
	if (waits) {
		t->grant->state = user ? LIVE : REFUSED;
		text_replace(&t->grant->user, user);
	}
	pthread_mutex_unlock(&g->mutex);
	return waits;
}

static bool too_fast(struct grants *g, struct grant *grant)
{
	static const int64_t tolerance_ms = 100;
	int64_t now = clock_ms();
	bool fast = grant->polled_ms && now - grant->polled_ms < grant->interval_ms - tolerance_ms;

	grant->polled_ms = now;
	if (fast && g->rules.slow_down_grows)
		grant->interval_ms += 5000;
	return fast;
}

static enum verdict device_poll(struct grants *g, const char *client_id, const char *code, struct issue *issue)
{
	struct ticket *t = find_kind(g, code, DEVICE);
	struct grant *grant = t ? t->grant : NULL;

	if (!t || t->spent_ms || !text_same(grant->client_id, client_id))
		return BAD_GRANT;
	tell_who(grant, issue);
	if (expired(t))
		return EXPIRED;
	if (too_fast(g, grant))
		return SLOW_DOWN;
	if (grant->state == WAITING)
		return PENDING;
	if (grant->state != LIVE)
		return DENIED;
	t->spent_ms = clock_ms();
	give_access(g, grant, NULL, issue);
	give_refresh(g, grant, issue);
	return GRANTED;
}

enum verdict grants_device_poll(struct grants *g, const char *client_id, const char *device_code,
				struct issue *issue)
{
	enum verdict v;

	pthread_mutex_lock(&g->mutex);
	v = device_poll(g, client_id, device_code, issue);
	pthread_mutex_unlock(&g->mutex);
	return v;
}

/* Looking at and ending tokens. */

bool grants_look(struct grants *g, const char *token, struct token_info *info)
{
	struct ticket *t;

	memset(info, 0, sizeof(*info));
	pthread_mutex_lock(&g->mutex);
	t = find(g, token);
	if (t) {
		info->kind = kind_names[t->kind];
		info->live = live(t);
		info->user = text_copy(t->grant->user);
		info->client_id = text_copy(t->grant->client_id);
		info->scope = text_copy(t->scope ? t->scope : t->grant->scope);
		info->expires_ms = t->expires_ms;
	}
	pthread_mutex_unlock(&g->mutex);
	return t != NULL;
}

bool grants_revoke(struct grants *g, const char *token, const char *client_id)
{
	struct ticket *t;
	bool was_live;

	pthread_mutex_lock(&g->mutex);
	t = find(g, token);
	was_live = t && (t->kind == REFRESH || t->kind == ACCESS) && live(t) &&
		   (!client_id || text_same(t->grant->client_id, client_id));
	if (was_live && t->kind == REFRESH)
		t->grant->state = REVOKED;
	else if (was_live)
		t->spent_ms = clock_ms();
	pthread_mutex_unlock(&g->mutex);
	return was_live;
}

bool grants_seed(struct grants *g, const struct login *login, const char *refresh_token, struct issue *issue)
{
	struct grant *grant;
	bool fresh;
	char *text;

	pthread_mutex_lock(&g->mutex);
	fresh = !find(g, refresh_token);
	if (fresh) {
		grant = grant_add(g, LIVE, login);
		text = refresh_token ? text_copy(refresh_token) : token_text(g);
		issue->refresh_token = text_copy(ticket_add(g, grant, REFRESH, text, 0)->text);
		tell_who(grant, issue);
		give_access(g, grant, NULL, issue);
	}
	pthread_mutex_unlock(&g->mutex);
	return fresh;
}

void grants_expire_access(struct grants *g)
{
	int64_t now = clock_ms();

	pthread_mutex_lock(&g->mutex);
	for (struct grant *grant = g->first; grant; grant = grant->next)
		for (struct ticket *t = grant->tickets; t; t = t->next)
			if (t->kind == ACCESS && !expired(t))
				t->expires_ms = now;
	pthread_mutex_unlock(&g->mutex);
}

void grants_revoke_all(struct grants *g)
{
	pthread_mutex_lock(&g->mutex);
	for (struct grant *grant = g->first; grant; grant = grant->next)
		if (grant->state == LIVE)
			grant->state = REVOKED;
	pthread_mutex_unlock(&g->mutex);
}

void grants_forget(struct grants *g)
{
	pthread_mutex_lock(&g->mutex);
	forget(g);
	pthread_mutex_unlock(&g->mutex);
}

/* Looking at the whole. */

static struct grant_info describe(const struct grant *grant)
{
	struct grant_info info = {
		.id = grant->id,
		.user = grant->user,
		.client_id = grant->client_id,
		.scope = grant->scope,
		.state = state_names[grant->state],
	};

	for (const struct ticket *t = grant->tickets; t; t = t->next) {
		if (t->kind == REFRESH && live(t))
			info.refresh_token = digest_of(t->text);
		if (t->kind == ACCESS && live(t))
			info.access_tokens++;
	}
	return info;
}

void grants_each(struct grants *g, void (*each)(void *, const struct grant_info *), void *data)
{
	pthread_mutex_lock(&g->mutex);
	for (struct grant *grant = g->first; grant; grant = grant->next) {
		struct grant_info info = describe(grant);

		each(data, &info);
	}
	pthread_mutex_unlock(&g->mutex);
}

struct grant_counts grants_counts(struct grants *g)
{
	struct grant_counts counts;

	pthread_mutex_lock(&g->mutex);
	counts = g->counts;
	pthread_mutex_unlock(&g->mutex);
	return counts;
}

/* Rules and clients. */

struct rules grants_rules(struct grants *g)
{
	struct rules rules;

	pthread_mutex_lock(&g->mutex);
	rules = g->rules;
	pthread_mutex_unlock(&g->mutex);
	return rules;
}

void grants_set_rules(struct grants *g, const struct rules *rules)
{
	pthread_mutex_lock(&g->mutex);
	if (rules->throttle_count != g->rules.throttle_count)
		for (struct grant *grant = g->first; grant; grant = grant->next) {
			free(grant->issued_ms);
			grant->issued_ms = NULL;
			grant->issued = 0;
		}
	g->rules = *rules;
	pthread_mutex_unlock(&g->mutex);
}

void grants_add_client(struct grants *g, const char *id, const char *secret)
{
	struct client *client = memory(sizeof(*client));
	struct client **end = &g->clients;

	client->id = text_copy(id);
	client->secret = text_copy(secret);
	while (*end)
		end = &(*end)->next;
	*end = client;
}

const struct client *grants_client(struct grants *g, const char *id)
{
	const struct client *client = g->clients;

	while (client && id && strcmp(client->id, id))
		client = client->next;
	return client;
}

struct grants *grants_new(const struct rules *rules)
{
	struct grants *g = memory(sizeof(*g));

	pthread_mutex_init(&g->mutex, NULL);
	g->rules = *rules;
	g->end = &g->first;
	return g;
}

void grants_free(struct grants *g)
{
	struct client *next;

	if (!g)
		return;
	forget(g);
	for (struct client *client = g->clients; client; client = next) {
		next = client->next;
		free(client->id);
		free(client->secret);
		free(client);
	}
	pthread_mutex_destroy(&g->mutex);
	free(g);
}
