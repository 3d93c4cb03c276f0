/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * listener.c: where the browser comes back to at the end of a login. The only code of the library that knows
 * libmicrohttpd, which runs in the caller's thread; one poll() waits for everything.
 *
 * A request counts only if it is a GET for the one path, to the letter, at the address by which the provider knows us.
 * All others are told 404, and the wait goes on.
 */
#include <config.h>

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "listener.h"
#include "listener_socket.h"
#include "secret.h"

#define CONNECTIONS_MAX 64
#define CONNECTION_MEMORY ((size_t)128 << 10) /* a code may be long, and so may be the cookies of others on loopback */
#define CONNECTION_TIMEOUT_S 30u
#define SENDING_MAX_MS 5000
#define PAUSE_MS 100 /* when no connection can be taken */

struct request {
	struct listener *listener;
	char *url;                         /* as it came: path and query */
	struct MHD_Connection *connection; /* suspended: its answer is not known yet */
	struct MHD_Response *response;     /* NULL: not yet */
	unsigned int status;
	bool begun;
	struct request *next;
};

struct listener {
	struct MHD_Daemon *daemon;
	int fd[LISTENER_FAMILIES]; /* -1: not there, or not any more */
	int http_fd;               /* libmicrohttpd has something to do */
	int port;
	char *host, *path;
	struct request *held;      /* callbacks, the oldest first */
	bool sent;                 /* what answer() was waiting for */
};

/*
 * A request
 */

static void *begin_request(void *data, const char *url, struct MHD_Connection *connection)
{
	struct request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->listener = data;
	request->connection = connection;
	request->url = strdup(url);
	return request;
}

static void end_request(void *data, struct MHD_Connection *connection, void **state,
			enum MHD_RequestTerminationCode code)
{
	struct listener *listener = data;
	struct request *request = *state, **link;

	if (!request)
		return;
	for (link = &listener->held; *link; link = &(*link)->next)
		if (*link == request) {
			*link = request->next;
			break;
		}
	if (request->response) {
		MHD_destroy_response(request->response);
		listener->sent = true;
	}
	secret_free(request->url);
	free(request);
	*state = NULL;
}

static struct MHD_Response *response_of(const char *html, const char *policy)
{
	const char *headers[][2] = {
		{ "Content-Type", "text/html; charset=utf-8" },
		{ "Cache-Control", "no-store" },
		{ "Referrer-Policy", "no-referrer" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" },
		{ "Content-Security-Policy", policy },
		{ "Connection", "close" },
	};
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(html), (void *)(uintptr_t)html, MHD_RESPMEM_MUST_COPY);

	for (size_t i = 0; response && i < sizeof(headers) / sizeof(*headers); i++)
		MHD_add_response_header(response, headers[i][0], headers[i][1]);
	return response;
}

static enum MHD_Result not_here(struct MHD_Connection *connection)
{
	static const char html[] = "<!doctype html><title>tokeep</title><p>There is nothing here.\n";
	struct MHD_Response *response = response_of(html, "default-src 'none'");
	enum MHD_Result r = response ? MHD_queue_response(connection, MHD_HTTP_NOT_FOUND, response) : MHD_NO;

	if (response)
		MHD_destroy_response(response);
	return r;
}

struct hosts {
	const char *found;
	int count;
};

static enum MHD_Result take_host(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct hosts *hosts = data;

	if (!strcasecmp(name, "Host")) {
		hosts->found = value;
		hosts->count++;
	}
	return MHD_YES;
}

/* A name that somebody's DNS lets point to loopback is none of ours. */
static bool right_host(const struct listener *listener, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct hosts hosts = { NULL, 0 };
	char wanted[64];

	MHD_get_connection_values(connection, MHD_HEADER_KIND, take_host, &hosts);
	if (!info || hosts.count != 1 || !hosts.found)
		return false;
	snprintf(wanted, sizeof(wanted), "%s:%d", info->client_addr->sa_family == AF_INET6 ? "[::1]" : "127.0.0.1",
		 listener->port);
	if (!strcmp(hosts.found, wanted))
		return true;
	snprintf(wanted, sizeof(wanted), "%s:%d", listener->host, listener->port);
	return !strcmp(listener->host, "localhost") && !strcasecmp(hosts.found, wanted);
}

static bool right_path(const struct listener *listener, const char *url)
{
	size_t n = strcspn(url, "?");

	return n == strlen(listener->path) && !memcmp(url, listener->path, n);
}

static void hold(struct listener *listener, struct request *request)
{
	struct request **link = &listener->held;

	while (*link)
		link = &(*link)->next;
	*link = request;
	MHD_suspend_connection(request->connection);
}

static enum MHD_Result handle(void *data, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *body, size_t *body_size, void **state)
{
	struct listener *listener = data;
	struct request *request = *state;

	if (!request || !request->url)
		return MHD_NO; /* memory is short */
	if (!request->begun) {
		request->begun = true;
		return MHD_YES;
	}
	if (*body_size) {
		*body_size = 0; /* not read: it is nothing that we wait for */
		return MHD_YES;
	}
	if (request->response)
		return MHD_queue_response(connection, request->status, request->response);
	if (strcmp(method, "GET") || !right_path(listener, request->url) || !right_host(listener, connection))
		return not_here(connection);
	hold(listener, request);
	return MHD_YES;
}

/*
 * The wait
 */

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void let_in(struct listener *listener, int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	int connection = accept4(fd, (struct sockaddr *)&address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
	const int yes = 1;

	if (connection >= 0) {
		/* What is left of it for a minute lets the next login have the port: see listener_socket.c. */
		setsockopt(connection, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
		MHD_add_connection(listener->daemon, connection, (struct sockaddr *)&address, size);
		return;
	}
	if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		poll(NULL, 0, PAUSE_MS); /* EMFILE and the like: it would come back at once */
}

/* One round. true: `fd` is readable. */
static bool turn(struct listener *listener, int fd, int64_t timeout_ms)
{
	struct pollfd ready[] = {
		{ .fd = listener->http_fd, .events = POLLIN },
		{ .fd = listener->fd[LISTENER_V4], .events = POLLIN },
		{ .fd = listener->fd[LISTENER_V6], .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};
	MHD_UNSIGNED_LONG_LONG soon;

	if (MHD_get_timeout(listener->daemon, &soon) == MHD_YES && (int64_t)soon < timeout_ms)
		timeout_ms = (int64_t)soon;
	if (poll(ready, sizeof(ready) / sizeof(*ready), timeout_ms > 0 ? (int)timeout_ms : 0) < 0)
		return false;
	for (int i = 1; i <= LISTENER_FAMILIES; i++)
		if (ready[i].revents)
			let_in(listener, ready[i].fd);
	MHD_run(listener->daemon);
	return ready[3].revents != 0;
}

static enum listener_event wait_for(struct listener *listener, int fd, int64_t timeout_ms, const char **url)
{
	int64_t end_ms = clock_ms() + timeout_ms, left_ms = timeout_ms;
	bool readable = false;

	do {
		if (listener->held) {
			*url = listener->held->url;
			return LISTENER_CALLBACK;
		}
		if (readable)
			return LISTENER_READABLE;
		readable = turn(listener, fd, left_ms);
		left_ms = end_ms - clock_ms();
	} while (left_ms > 0 || readable || listener->held);
	return LISTENER_TIMEOUT;
}

static void stop(struct listener *listener)
{
	for (int i = 0; i < LISTENER_FAMILIES; i++) {
		if (listener->fd[i] >= 0)
			close(listener->fd[i]);
		listener->fd[i] = -1;
	}
}

static void answer(struct listener *listener, unsigned int status, const struct page *page)
{
	struct request *request = listener->held;
	int64_t end_ms = clock_ms() + SENDING_MAX_MS;

	if (!request)
		return;
	listener->held = request->next;
	request->next = NULL;
	request->status = status;
	request->response = response_of(page->html ? page->html : "", page->policy);
	listener->sent = !request->response;
	MHD_resume_connection(request->connection);
	MHD_run(listener->daemon); /* without a listening socket of its own nothing else tells it */
	while (!listener->sent && clock_ms() < end_ms)
		turn(listener, -1, end_ms - clock_ms());
}

/*
 * Its life
 */

static void close_all(struct listener *listener)
{
	if (!listener)
		return;
	stop(listener);
	for (; listener->held; listener->held = listener->held->next)
		MHD_resume_connection(listener->held->connection); /* none may be suspended at the end */
	if (listener->daemon)
		MHD_stop_daemon(listener->daemon);
	free(listener->host);
	free(listener->path);
	free(listener);
}

static int start_daemon(struct listener *listener, struct error *err)
{
	const union MHD_DaemonInfo *info;

	listener->daemon = MHD_start_daemon(MHD_USE_NO_LISTEN_SOCKET | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL,
					    NULL, handle, listener,
					    MHD_OPTION_URI_LOG_CALLBACK, begin_request, listener,
					    MHD_OPTION_NOTIFY_COMPLETED, end_request, listener,
					    MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MAX,
					    MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
					    MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_TIMEOUT_S, MHD_OPTION_END);
	if (!listener->daemon)
		return error_set(err, TOKEEP_EINTERNAL, "libmicrohttpd %s: does not start: %s", MHD_get_version(),
				 strerror(errno));
	info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info || info->epoll_fd < 0)
		return error_set(err, TOKEEP_EINTERNAL, "libmicrohttpd %s: is built without epoll", MHD_get_version());
	listener->http_fd = info->epoll_fd;
	return 0;
}

static int open_listener(const struct listener_options *options, struct listener **result, struct error *err)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	const char *host = options->host;
	int r;

	if (!listener)
		return error_nomem(err);
	r = listener_sockets(host, options->port, listener->fd, &listener->port, err);
	if (!r) {
		if (!host)
			host = listener->fd[LISTENER_V4] >= 0 ? "127.0.0.1" : "[::1]";
		listener->host = strdup(host);
		listener->path = strdup(options->path);
		r = listener->host && listener->path ? start_daemon(listener, err) : error_nomem(err);
	}
	if (r)
		close_all(listener);
	else
		*result = listener;
	return r;
}

static const char *host_of(const struct listener *listener)
{
	return listener->host;
}

static int port_of(const struct listener *listener)
{
	return listener->port;
}

extern const struct listener_ops tokeep_listener;
TOKEEP_API const struct listener_ops tokeep_listener = {
	.version = LISTENER_VERSION,
	.open = open_listener,
	.close = close_all,
	.host = host_of,
	.port = port_of,
	.wait = wait_for,
	.stop = stop,
	.answer = answer,
};
