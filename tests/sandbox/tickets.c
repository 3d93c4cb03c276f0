/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tickets.c: grants, and the codes and tokens that belong to them. */
#include "config.h"

#include "tickets.h"
#include "text.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct ticket *)a)->text, ((const struct ticket *)b)->text);
}

struct ticket *ticket_find(struct grants *g, const char *text)
{
	struct ticket wanted = { .text = (char *)text };
	void *node = text ? tfind(&wanted, &g->tickets, by_text) : NULL;

	return node ? *(struct ticket **)node : NULL;
}

struct ticket *ticket_find_kind(struct grants *g, const char *text, enum ticket_kind kind)
{
	struct ticket *t = ticket_find(g, text);

	return t && t->kind == kind ? t : NULL;
}

struct ticket *ticket_add(struct grants *g, struct grant *grant, enum ticket_kind kind, char *text,
			  int64_t life_s)
{
	struct ticket *t = memory(sizeof(*t));

	t->kind = kind;
	t->grant = grant;
	t->text = text;
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

char *token_text(struct grants *g)
{
	char *first = random_hex(16);
	char *second = random_hex(16);
	char *text = text_format("%s%s.%s", g->rules.prefix, first, second);

	free(first);
	free(second);
	return text;
}

bool ticket_expired(const struct ticket *t)
{
	return t->expires_ms && t->expires_ms <= clock_ms();
}

bool ticket_live(const struct ticket *t)
{
	if (t->kind == DEVICE || t->kind == USER_CODE)
		return t->grant->state == WAITING && !ticket_expired(t);
	return t->grant->state == LIVE && !t->spent_ms && !ticket_expired(t);
}

struct grant *grant_add(struct grants *g, enum state state, const struct login *login)
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

void grants_drop(struct grants *g)
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

		if (t->kind == ACCESS && (ticket_expired(t) || ++kept >= g->rules.access_limit)) {
			*where = t->next;
			ticket_free(g, t);
		} else {
			where = &t->next;
		}
	}
}

void give_access(struct grants *g, struct grant *grant, const char *scope, struct issue *issue)
{
	struct ticket *t;

	make_room(g, grant);
	t = ticket_add(g, grant, ACCESS, token_text(g), g->rules.token_life_s);
	t->scope = words_plain(scope ? scope : grant->scope);
	issue->access_token = text_copy(t->text);
	issue->scope = text_copy(t->scope);
	issue->expires_in_s = g->rules.token_life_s;
}

static bool has_refresh_token(const struct grant *grant)
{
	for (const struct ticket *t = grant->tickets; t; t = t->next)
		if (t->kind == REFRESH)
			return true;
	return false;
}

/* One more login of the same user and client ends the oldest beyond the limit. */
static void end_oldest(struct grants *g, const struct grant *latest)
{
	struct grant *oldest = NULL;
	int64_t n = 0;

	if (!g->rules.grant_limit)
		return;
	for (struct grant *grant = g->first; grant; grant = grant->next)
		if (grant != latest && grant->state == LIVE && text_same(grant->user, latest->user) &&
		    text_same(grant->client_id, latest->client_id) && has_refresh_token(grant)) {
			n++;
			oldest = oldest ? oldest : grant;
		}
	if (n >= g->rules.grant_limit)
		oldest->state = REVOKED;
}

void give_refresh(struct grants *g, struct grant *grant, struct issue *issue)
{
	if (grant->online)
		return;
	end_oldest(g, grant);
	issue->refresh_token = text_copy(ticket_add(g, grant, REFRESH, token_text(g), 0)->text);
}

void tell_who(const struct grant *grant, struct issue *issue)
{
	text_replace(&issue->user, grant->user);
	text_replace(&issue->client_id, grant->client_id);
	text_replace(&issue->nonce, grant->nonce);
}
