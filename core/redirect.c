/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* redirect.c: the parts of a redirect URL that lead back to this host (RFC 8252, 7.3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redirect.h"

bool redirect_read(const char *url, struct redirect *redirect)
{
	static const char scheme[] = "http://";
	static const char *const hosts[] = { "127.0.0.1", "[::1]", "localhost" };
	const char *authority = url + sizeof(scheme) - 1;
	long port = 0;
	char *end;

	if (strncasecmp(url, scheme, sizeof(scheme) - 1))
		return false;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		size_t n = strlen(hosts[i]);
		const char *rest = authority + n;

		if (strncasecmp(authority, hosts[i], n))
			continue;
		if (*rest == ':' && rest[1] >= '0' && rest[1] <= '9') {
			port = strtol(rest + 1, &end, 10);
			rest = end;
		}
		if (port < 0 || port > 65535 || (*rest && *rest != '/' && *rest != '?'))
			return false;
		*redirect = (struct redirect){ url, (size_t)(authority - url) + n, rest, hosts[i], (int)port };
		return true;
	}
	return false;
}

char *redirect_with_port(const struct redirect *redirect, int port)
{
	char *url;

	if (redirect->port == port)
		return strdup(redirect->url);
	if (asprintf(&url, "%.*s:%d%s", (int)redirect->front_size, redirect->url, port, redirect->rest) < 0)
		return NULL;
	return url;
}

char *redirect_path(const struct redirect *redirect)
{
	size_t n = strcspn(redirect->rest, "?");

	return n ? strndup(redirect->rest, n) : strdup("/");
}
