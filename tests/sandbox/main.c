/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * main.c: tokeep-sandbox, an OAuth 2.0 authorization server on loopback for testing a deployment of tokeep.
 * Start, and the end by SIGTERM.
 */
#include "config.h"

#include "options.h"
#include "sandbox.h"
#include "server.h"
#include "text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *where, const char *why)
{
	fprintf(stderr, "tokeep-sandbox: %s: %s\n", where, why);
	exit(1);
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

/* Repeated options, in their order: `list` has the last one first. */

static void add_clients(struct grants *g, const struct param *list)
{
	const char *colon;
	char *id;

	if (!list)
		return;
	add_clients(g, list->next);
	colon = strchr(list->value, ':');
	id = text_copy_n(list->value, colon ? (size_t)(colon - list->value) : strlen(list->value));
	grants_add_client(g, id, colon ? colon + 1 : NULL);
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

static void add_faults(struct faults *faults, const struct param *list)
{
	const char *why;

	if (!list)
		return;
	add_faults(faults, list->next);
	if (faults_arm_text(faults, list->value, &why))
		die("--fault", why);
}

/* "TOKEN[,USER[,CLIENT]]" */
static void add_seeds(struct sandbox *sb, const struct param *list)
{
	struct login login = { .seeded = true, .scope = sb->dialect == ZOHO ? "ZohoCRM.modules.ALL" : "api" };
	struct issue issue = { 0 };
	const struct client *client;
	char *copy;
	char *rest;
	char *token;

	if (!list)
		return;
	add_seeds(sb, list->next);
	copy = rest = text_copy(list->value);
	token = strsep(&rest, ",");
	login.user = strsep(&rest, ",");
	client = grants_client(sb->grants, rest);
	if (!client)
		die("--seed-refresh", "no such client");
	login.client_id = client->id;
	if (!login.user || !*login.user)
		login.user = "alice@example.com";
	if (!grants_seed(sb->grants, &login, token, &issue))
		die("--seed-refresh", "the same token twice");
	issue_free(&issue);
	free(copy);
}

static void sandbox_new(struct sandbox *sb, const struct options *o)
{
	memset(sb, 0, sizeof(*sb));
	pthread_mutex_init(&sb->mutex, NULL);
	sb->dialect = o->dialect;
	sb->api_domain = text_copy(o->api_domain);
	sb->location = text_copy(o->location);
	sb->auto_approve = text_copy(o->auto_approve);
	sb->legacy_expiry = o->legacy_expiry;
	sb->faults = faults_new();
	sb->grants = grants_new(&o->rules);
	sb->record = record_new(o->log);
	if (!sb->record)
		die(o->log, strerror(errno));
	if (o->clients)
		add_clients(sb->grants, o->clients);
	else
		add_default_clients(sb->grants, o->dialect);
	add_faults(sb->faults, o->faults);
	add_seeds(sb, o->seeds);
}

static void sandbox_free(struct sandbox *sb)
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

static void set_names(struct sandbox *sb, uint16_t port, bool tls)
{
	const char *scheme = tls ? "https" : "http";

	sb->host = text_format("127.0.0.1:%u", port);
	sb->other_host = text_format("localhost:%u", port);
	sb->base = text_format("%s://%s", scheme, sb->host);
	sb->other_base = text_format("%s://%s", scheme, sb->other_host);
}

static char *read_pem(const char *path)
{
	char *text = NULL;
	size_t room = 0;
	FILE *in;

	if (!path)
		return NULL;
	in = fopen(path, "r");
	if (!in || getdelim(&text, &room, '\0', in) < 0)
		die(path, errno ? strerror(errno) : "is empty");
	fclose(in);
	return text;
}

/* Beside it first, so that who waits for the file never sees half a number. */
static void write_port(const char *path, uint16_t port)
{
	char *beside;
	FILE *out;

	if (!path)
		return;
	beside = text_format("%s.new", path);
	out = fopen(beside, "w");
	if (!out || fprintf(out, "%u\n", port) < 0 || fclose(out) || rename(beside, path))
		die(path, strerror(errno));
	free(beside);
}

static void announce(struct sandbox *sb, const struct options *o, uint16_t port)
{
	char *config;

	write_port(o->port_file, port);
	printf("listening on %s\n", sb->base);
	if (o->print_config) {
		config = snippet(sb);
		fputs(config, stdout);
		free(config);
	}
	if (fflush(stdout))
		die("standard output", strerror(errno));
}

int main(int argc, char **argv)
{
	struct options o;
	struct sandbox sb;
	struct server *server;
	char *cert;
	char *key;
	sigset_t end;
	int got;

	options_read(&o, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	pthread_sigmask(SIG_BLOCK, &end, NULL); /* for the server's threads, too */
	cert = read_pem(o.tls_cert);
	key = read_pem(o.tls_key);
	sandbox_new(&sb, &o);
	server = server_start(&sb, &o.port, cert, key);
	if (!server)
		die("127.0.0.1", errno ? strerror(errno) : "can not listen there");
	set_names(&sb, o.port, cert);
	server_open(server);
	announce(&sb, &o, o.port);
	sigwait(&end, &got);
	server_stop(server);
	sandbox_free(&sb);
	options_free(&o);
	free(cert);
	free(key);
	return 0;
}
