/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mysql_options.c: the store's options; what can't be is refused with the option's name first. */
#include "mysql_store.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static int refuse(struct store *s, const char *name, const char *why)
{
	return tokeep_backend_fail(s->be, TOKEEP_ECONFIG, "%s: %s", name, why);
}

static int number(struct store *s, const char *name, const char *otherwise, unsigned long max, unsigned int *value)
{
	const char *text = tokeep_backend_option(s->be, name, otherwise);
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text < '0' || *text > '9' || !n || n > max)
		return tokeep_backend_fail(s->be, TOKEEP_ECONFIG, "%s: \"%s\" is no number from 1 to %lu", name,
					   text, max);
	*value = n;
	return 0;
}

/* A name that can stand between backticks as it is. */
static int plain_name(struct store *s, const char *name, const char *otherwise, const char *letters,
		      const char **value)
{
	const char *text = tokeep_backend_option(s->be, name, otherwise);
	size_t size = strlen(text);

	*value = text;
	if (size && size <= 64 && strspn(text, letters) == size)
		return 0;
	return tokeep_backend_fail(s->be, TOKEEP_ECONFIG, "%s: \"%s\" is no name of 1 to 64 of the characters %s",
				   name, text, !strcmp(letters, LETTERS "_") ? "A-Z a-z 0-9 _" : "A-Z a-z 0-9 _ - $");
}

static bool loopback(const char *host)
{
	struct in_addr ip4;
	struct in6_addr ip6;

	if (inet_pton(AF_INET, host, &ip4) == 1)
		return ntohl(ip4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &ip6) == 1 && IN6_IS_ADDR_LOOPBACK(&ip6);
}

/* "localhost" is the unix socket, as everywhere with this database. */
static int read_place(struct store *s)
{
	int r = number(s, "port", "3306", 65535, &s->port);

	if (r)
		return r;
	s->host = tokeep_backend_option(s->be, "host", "localhost");
	s->socket = tokeep_backend_option(s->be, "socket", NULL);
	s->local = !strcmp(s->host, "localhost");
	/* The client library reads more into a host than a host: a list, a URL, options of its own. */
	if (!*s->host || strspn(s->host, LETTERS "._:%-") != strlen(s->host))
		return refuse(s, "host", "no host name or address");
	if (s->socket && *s->socket != '/')
		return refuse(s, "socket", "no absolute path");
	if (s->socket && !s->local)
		return refuse(s, "socket", "goes with host = \"localhost\" only: leave one of the two out");
	if (s->local && s->port != 3306)
		return refuse(s, "port", "localhost is reached by its unix socket: write host = \"127.0.0.1\" for a port");
	return 0;
}

static int read_tls(struct store *s)
{
	const char *ssl = tokeep_backend_option(s->be, "ssl", "verify");

	s->ssl_ca = tokeep_backend_option(s->be, "ssl_ca", NULL);
	if (s->ssl_ca && (*s->ssl_ca != '/' || access(s->ssl_ca, R_OK)))
		return tokeep_backend_fail(s->be, TOKEEP_ECONFIG, "ssl_ca: %s: %s", s->ssl_ca,
					   *s->ssl_ca == '/' ? strerror(errno) : "no absolute path");
	if (!strcmp(ssl, "off")) {
		if (!s->local && !loopback(s->host))
			return refuse(s, "ssl", "\"off\" is for a unix socket or a loopback address: any other way others could read along");
		return 0;
	}
	if (strcmp(ssl, "verify"))
		return refuse(s, "ssl", "neither \"verify\" nor \"off\"");
	s->verify = !s->local;
	return 0;
}

static const char *our_name(void)
{
	const struct passwd *pw = getpwuid(geteuid());

	return pw ? pw->pw_name : "";
}

static int read_account(struct store *s)
{
	s->user = tokeep_backend_option(s->be, "user", NULL);
	s->password = tokeep_backend_option(s->be, "password", "");
	if (!s->user)
		s->user = our_name();
	/* The client library would take the name from the environment. */
	return *s->user ? 0 : refuse(s, "user", "not given");
}

int options_read(struct store *s)
{
	int r = read_place(s);

	if (!r)
		r = read_tls(s);
	if (!r)
		r = read_account(s);
	if (!r)
		r = plain_name(s, "database", "zohooauth", LETTERS "_-$", &s->database);
	if (!r)
		r = plain_name(s, "table", "oauthtoken", LETTERS "_", &s->table);
	if (!r)
		r = number(s, "connect_timeout", "5", 3600, &s->connect_timeout_s);
	if (!r)
		r = number(s, "read_timeout", "10", 3600, &s->read_timeout_s);
	if (!r)
		r = number(s, "write_timeout", "10", 3600, &s->write_timeout_s);
	if (r)
		return r;
	if (s->local)
		s->where = query_text("%s@localhost%s%s%s/%s.%s", s->user, s->socket ? "(" : "",
				      s->socket ? s->socket : "", s->socket ? ")" : "", s->database, s->table);
	else
		s->where = query_text("%s@%s:%u/%s.%s", s->user, s->host, s->port, s->database, s->table);
	return s->where ? 0 : TOKEEP_ENOMEM;
}
