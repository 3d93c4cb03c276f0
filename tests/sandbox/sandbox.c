/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sandbox.c: the server as a whole, made from the options. */
#include "config.h"

#include "options.h"
#include "sandbox.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(int status, const char *where, const char *why)
{
	fprintf(stderr, "tokeep-sandbox: %s: %s\n", where, why);
	exit(status);
}

/* "ID[:SECRET]" */
static void add_client(struct grants *g, const char *text)
{
	size_t n = strcspn(text, ":");
	char *id = text_copy_n(text, n);

	grants_add_client(g, id, text[n] ? text + n + 1 : NULL);
	free(id);
}

static void add_default_clients(struct grants *g, enum dialect dialect)
{
	if (dialect == ZOHO) {
		grants_add_client(g, "1000.SANDBOX", "sandbox-secret");
	} else {
		grants_add_client(g, "sandbox", NULL);
		grants_add_client(g, "sandbox-confidential", "sandbox-secret");
	}
}

static void add_fault(struct faults *faults, const char *text)
{
	const char *why;

	if (faults_arm_text(faults, text, &why))
		die(2, "fault", why);
}

/* "TOKEN[,USER[,CLIENT]]" */
static void add_seed(struct sandbox *sb, const char *text)
{
	struct login login = { .seeded = true, .scope = sb->dialect == ZOHO ? "ZohoCRM.modules.ALL" : "api" };
	struct issue issue = { 0 };
	char *copy = text_copy(text);
	char *rest = copy;
	char *token = strsep(&rest, ",");
	char *user = strsep(&rest, ",");
	const struct client *client = grants_client(sb->grants, rest);

	if (!client)
		die(2, "seed-refresh", "there is no such client");
	login.client_id = client->id;
	login.user = user && *user ? user : "alice@example.com";
	if (!grants_seed(sb->grants, &login, token, &issue))
		die(2, "seed-refresh", "the same token comes twice");
	issue_free(&issue);
	free(copy);
}

void sandbox_new(struct sandbox *sb, const struct options *o)
{
	memset(sb, 0, sizeof(*sb));
	pthread_mutex_init(&sb->mutex, NULL);
	sb->dialect = o->dialect;
	sb->api_domain = text_copy(o->api_domain);
	sb->location = text_copy(o->location);
	sb->auto_approve = text_copy(o->auto_approve);
	sb->legacy_expiry = o->legacy_expiry;
	sb->redirects = o->redirects; /* the options live longer */
	sb->faults = faults_new();
	sb->grants = grants_new(&o->rules);
	sb->record = record_new(o->log);
	if (!sb->record)
		die(1, o->log, strerror(errno));
	if (!o->clients)
		add_default_clients(sb->grants, o->dialect);
	for (const struct param *p = o->clients; p; p = p->next)
		add_client(sb->grants, p->value);
	for (const struct param *p = o->faults; p; p = p->next)
		add_fault(sb->faults, p->value);
	for (const struct param *p = o->seeds; p; p = p->next)
		add_seed(sb, p->value);
}

void sandbox_free(struct sandbox *sb)
{
	grants_free(sb->grants);
	faults_free(sb->faults);
	record_free(sb->record);
	pthread_mutex_destroy(&sb->mutex);
	free(sb->base);
	free(sb->other_base);
	free(sb->host);
	free(sb->other_host);
	free(sb->api_domain);
	free(sb->location);
	free(sb->auto_approve);
}

void sandbox_set_names(struct sandbox *sb, uint16_t port, bool tls)
{
	const char *scheme = tls ? "https" : "http";

	sb->host = text_format("127.0.0.1:%u", port);
	sb->other_host = text_format("localhost:%u", port);
	sb->base = text_format("%s://%s", scheme, sb->host);
	sb->other_base = text_format("%s://%s", scheme, sb->other_host);
}

char *sandbox_auto_approve(struct sandbox *sb)
{
	char *user;

	pthread_mutex_lock(&sb->mutex);
	user = text_copy(sb->auto_approve);
	pthread_mutex_unlock(&sb->mutex);
	return user;
}

void sandbox_set_auto_approve(struct sandbox *sb, const char *user)
{
	pthread_mutex_lock(&sb->mutex);
	text_replace(&sb->auto_approve, user);
	pthread_mutex_unlock(&sb->mutex);
}
