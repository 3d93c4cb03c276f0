/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* listener_socket.c: a port of loopback, at 127.0.0.1 and [::1] alike, and nowhere else. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listener_socket.h"

#define BACKLOG 16
#define TRIES 8 /* for a free port that is free at both addresses */

static const char *const literals[LISTENER_FAMILIES] = { "127.0.0.1", "[::1]" };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t make_address(int family, int port, union address *address)
{
	memset(address, 0, sizeof(*address));
	if (family == LISTENER_V4) {
		address->v4.sin_family = AF_INET;
		address->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		address->v4.sin_port = htons(port);
		return sizeof(address->v4);
	}
	address->v6.sin6_family = AF_INET6;
	address->v6.sin6_addr = in6addr_loopback;
	address->v6.sin6_port = htons(port);
	return sizeof(address->v6);
}

/*
 * Without SO_REUSEADDR, so that no port is shared. But the browser's connection to a login a moment ago keeps its port
 * for a minute, and a redirect URL that is registered leaves no other: where nobody listens, and nothing but that is in
 * the way, it is asked for. Linux refuses it all the same as soon as anybody listens there.
 */
static int bind_fixed(int fd, int port, const union address *address, socklen_t size)
{
	char holder[PORT_HOLDER_MAX];
	const int yes = 1;

	if (!bind(fd, &address->any, size))
		return 0;
#ifdef __linux__
	if (errno != EADDRINUSE)
		return -1;
	if (*port_holder(port, holder)) {
		errno = EADDRINUSE;
		return -1;
	}
	if (!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) && !bind(fd, &address->any, size))
		return 0;
	errno = EADDRINUSE;
#else
	(void)port, (void)holder, (void)yes;
#endif
	return -1;
}

/* -1 with errno. */
static int listen_at(int family, int port)
{
	union address address;
	socklen_t size = make_address(family, port, &address);
	int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), saved;

	if (fd < 0)
		return -1;
	if (!(port ? bind_fixed(fd, port, &address, size) : bind(fd, &address.any, size)) && !listen(fd, BACKLOG))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int port_of(int fd)
{
	union address address;
	socklen_t size = sizeof(address);

	if (getsockname(fd, &address.any, &size))
		return 0;
	return ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
}

static void close_both(int fd[LISTENER_FAMILIES])
{
	for (int i = 0; i < LISTENER_FAMILIES; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
		fd[i] = -1;
	}
}

static int refuse(int family, int port, int e, struct error *err)
{
	char holder[PORT_HOLDER_MAX];

	if (e != EADDRINUSE)
		return error_set(err, e == EACCES ? TOKEEP_ECONFIG : TOKEEP_ETRANSPORT,
				 "%s:%d: can't listen there for the browser: %s", literals[family], port, strerror(e));
	port_holder(port, holder);
	return error_set(err, TOKEEP_ECONFIG,
			 "port %d: is taken by %s, so the browser can't come back there; end that, or use --port and a "
			 "redirect_url with another one, if the provider allows it",
			 port, *holder ? holder : "another program");
}

/* Is there such an address on this host at all? */
static bool absent(int e)
{
	return e == EAFNOSUPPORT || e == EADDRNOTAVAIL || e == EPROTONOSUPPORT;
}

/* `required`: the address that the redirect URL names; LISTENER_FAMILIES: both, as far as this host has them. */
static int open_both(int required, int port, int fd[LISTENER_FAMILIES], struct error *err)
{
	int first = -1, e = 0;

	fd[LISTENER_V4] = fd[LISTENER_V6] = -1;
	for (int i = 0; i < LISTENER_FAMILIES; i++) {
		fd[i] = listen_at(i, port);
		if (fd[i] >= 0) {
			port = port ? port : port_of(fd[i]);
			continue;
		}
		if (first < 0) {
			first = i;
			e = errno;
		}
		if (required == i || (required == LISTENER_FAMILIES && !absent(errno))) {
			e = errno;
			close_both(fd);
			return refuse(i, port, e, err);
		}
	}
	return fd[LISTENER_V4] >= 0 || fd[LISTENER_V6] >= 0 ? 0 : refuse(first, port, e, err);
}

int listener_sockets(const char *host, int port, int fd[LISTENER_FAMILIES], int *bound_port, struct error *err)
{
	int required = LISTENER_FAMILIES, r = 0;

	for (int i = 0; host && i < LISTENER_FAMILIES; i++)
		if (!strcmp(host, literals[i]))
			required = i;
	for (int i = 0; i < TRIES; i++) {
		error_clear(err);
		r = open_both(required, port, fd, err);
		if (!r || port || r != TOKEEP_ECONFIG)
			break;
	}
	if (!r)
		*bound_port = port_of(fd[LISTENER_V4] >= 0 ? fd[LISTENER_V4] : fd[LISTENER_V6]);
	return r;
}
