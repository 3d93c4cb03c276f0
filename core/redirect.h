/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* redirect.h: the parts of a redirect URL that lead back to this host. Knows nobody. */
#ifndef TOKEEP_CORE_REDIRECT_H
#define TOKEEP_CORE_REDIRECT_H

#include <stdbool.h>
#include <stddef.h>

struct redirect {
	const char *url;   /* the parts point into it */
	size_t front_size; /* "http://localhost", without the port */
	const char *rest;  /* path and query, as they stand there */
	const char *host;  /* "127.0.0.1", "[::1]" or "localhost" */
	int port;          /* 0: none is there */
};

/* false: it leads elsewhere, so that nobody can listen there but whoever is asked for has to be pasted. */
bool redirect_read(const char *url, struct redirect *redirect);
/* The same with this port, otherwise to the letter. Caller frees; NULL: no memory. */
char *redirect_with_port(const struct redirect *redirect, int port);
/* What a request for it asks for, without the query. Likewise. */
char *redirect_path(const struct redirect *redirect);
#endif
