/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* grants.c: what a code, a refresh token or a client's own credentials are exchanged for, and revocation. */
#include "config.h"

#include "tickets.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

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
	struct ticket *t = ticket_find_kind(g, code, CODE);
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
	if (!ticket_live(t))
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

	if (in_grace && t->successor && !t->successor->spent_ms)
		return GRANTED;
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
	struct ticket *t = ticket_find_kind(g, token, REFRESH);
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
		g->counts.refreshes++;
		g->counts.grace_refreshes += t->spent_ms != 0;
		give_access(g, grant, narrow, issue);
		rotate(g, t, issue);
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

/* The rest. */

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

bool grants_revoke(struct grants *g, const char *token, const char *client_id)
{
	struct ticket *t;
	bool was_live;

	pthread_mutex_lock(&g->mutex);
	t = ticket_find(g, token);
	was_live = t && (t->kind == REFRESH || t->kind == ACCESS) && ticket_live(t) &&
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
	fresh = !ticket_find(g, refresh_token);
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
