/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * main.c: tokeep-sandbox, an OAuth 2.0 authorization server on loopback for testing a deployment of tokeep: from
 * its start to its end by SIGTERM.
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

static char *read_pem(const char *path)
{
	char *text = NULL;
	size_t room = 0;
	FILE *in;

	if (!path)
		return NULL;
	in = fopen(path, "r");
	if (!in)
		die(1, path, strerror(errno));
	errno = 0;
	if (getdelim(&text, &room, '\0', in) < 0)
		die(1, path, errno ? strerror(errno) : "is empty");
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
		die(1, path, strerror(errno));
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
		die(1, "standard output", strerror(errno));
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
		die(1, "127.0.0.1", errno ? strerror(errno) : "cannot listen there");
	sandbox_set_names(&sb, o.port, cert);
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
