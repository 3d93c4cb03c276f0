/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* server.h: the web server around the endpoints; server.c alone knows libmicrohttpd. */
#ifndef SANDBOX_SERVER_H
#define SANDBOX_SERVER_H

#include "sandbox.h"

#include <stdint.h>

struct server;
/* On 127.0.0.1 alone. `port` 0: any; *port is set. `cert` and `key` (PEM) NULL: no TLS. NULL: see errno, and stderr. The
 * sandbox may be completed with what depends on the port before server_open(): until then requests wait. */
struct server *server_start(struct sandbox *sb, uint16_t *port, const char *cert, const char *key);
void server_open(struct server *server);
void server_stop(struct server *server); /* ends delays, waits for every connection */
#endif
