/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* listener_socket.h: a port of loopback, at 127.0.0.1 and [::1] alike. */
#ifndef TOKEEP_CORE_LISTENER_SOCKET_H
#define TOKEEP_CORE_LISTENER_SOCKET_H

#include <stddef.h>

#include "error.h"

enum { LISTENER_V4, LISTENER_V6, LISTENER_FAMILIES };

/* Listens at `host` (see listener.h) and, where it can, at the other address too, so that it doesn't matter which one the
 * browser takes. fd[] is -1 where there is nothing. */
int listener_sockets(const char *host, int port, int fd[LISTENER_FAMILIES], int *bound_port, struct error *err);

/* port_holder.c: who listens there: "process 123 (name)", "user 1000"; "" where nobody does or nothing is known.
 * Returns `text`. */
#define PORT_HOLDER_MAX 64
const char *port_holder(int port, char text[PORT_HOLDER_MAX]);
#endif
