/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * listener.h: where the browser comes back to at the end of a login (RFC 8252, 7.3): one path on one port of loopback.
 * listener.c is the only code of the library that knows libmicrohttpd; it is built as a shared object of its own
 * (private/listener.so), which browser.c loads when a login starts, or does without.
 */
#ifndef TOKEEP_CORE_LISTENER_H
#define TOKEEP_CORE_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "page.h"

struct listener;

struct listener_options {
	const char *host; /* of the redirect URL: "127.0.0.1", "[::1]", "localhost"; NULL: whichever address works */
	int port;         /* 0: any that is free */
	const char *path; /* to the letter; the query is not part of it */
};

/* What came first. */
enum listener_event { LISTENER_TIMEOUT, LISTENER_CALLBACK, LISTENER_READABLE };

/* What the private shared object exports, by the name "tokeep_listener". */
struct listener_ops {
	unsigned int version; /* LISTENER_VERSION: built together */
	/* TOKEEP_ECONFIG: the port is taken. TOKEEP_ETRANSPORT: neither address works. */
	int (*open)(const struct listener_options *options, struct listener **listener, struct error *err);
	void (*close)(struct listener *listener); /* NULL is fine */
	/* "127.0.0.1", "[::1]" or "localhost": what goes into a redirect URL. */
	const char *(*host)(const struct listener *listener);
	int (*port)(const struct listener *listener);
	/* Until a request for the path has come, which then waits for answer(), and whose URL belongs to the listener until
	 * then; or `fd` (-1: none) is readable; or timeout_ms are over. Any other request is answered on the way. */
	enum listener_event (*wait)(struct listener *listener, int fd, int64_t timeout_ms, const char **url);
	/* Nobody else is let in: the ports are closed. */
	void (*stop)(struct listener *listener);
	/* To the request that wait() gave. Returns when it has gone out, or the browser has. */
	void (*answer)(struct listener *listener, unsigned int status, const struct page *page);
};
#define LISTENER_VERSION 1u
#endif
