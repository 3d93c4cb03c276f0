/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* overview.c: the part of grants.h that looks at the whole, ends everything, and keeps rules and clients. */
#include "config.h"

#include "tickets.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = { "code", "refresh_token", "access_token", "device_code", "user_code" };
static const char *const state_names[] = { "pending", "live", "denied", "killed_by_reuse", "revoked" };

void token_info_free(struct token_info *info)
{
	free(info->user);
	free(info->client_id);
	free(info->scope);
	memset(info, 0, sizeof(*info));
}

bool grants_look(struct grants *g, const char *token, struct token_info *info)
{
	struct ticket *t;

	memset(info, 0, sizeof(*info));
	pthread_mutex_lock(&g->mutex);
	t = ticket_find(g, token);
	if (t) {
		info->kind = kind_names[t->kind];
		info->live = ticket_live(t);
		info->user = text_copy(t->grant->user);
		info->client_id = text_copy(t->grant->client_id);
		info->scope = text_copy(t->scope ? t->scope : t->grant->scope);
		info->expires_ms = t->expires_ms;
	}
	pthread_mutex_unlock(&g->mutex);
	return t != NULL;
}

void grants_expire_access(struct grants *g)
{
	int64_t now = clock_ms();

	pthread_mutex_lock(&g->mutex);
	for (struct grant *grant = g->first; grant; grant = grant->next)
		for (struct ticket *t = grant->tickets; t; t = t->next)
			if (t->kind == ACCESS && !ticket_expired(t))
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
	grants_drop(g);
	pthread_mutex_unlock(&g->mutex);
}

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
		if (t->kind == REFRESH && ticket_live(t))
			info.refresh_token = digest_of(t->text);
		if (t->kind == ACCESS && ticket_live(t))
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
	grants_drop(g);
	for (struct client *client = g->clients; client; client = next) {
		next = client->next;
		free(client->id);
		free(client->secret);
		free(client);
	}
	pthread_mutex_destroy(&g->mutex);
	free(g);
}
