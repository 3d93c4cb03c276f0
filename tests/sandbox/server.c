/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * server.c: a thread per connection, so that 64 clients with a delay each are served at once. Gathers a
 * request, lets its endpoint answer, and does what the faults want.
 */
#include "config.h"

#include "server.h"
#include "text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BODY_MAX = 1 << 20, PARAMS_MAX = 200 };

struct server {
	struct MHD_Daemon *daemon;
	struct sandbox *sb;
	pthread_mutex_t mutex;
	pthread_cond_t change;
	bool open, stopping;
};

/* A request while it comes in. */
struct exchange {
	struct request rq;
	struct MHD_PostProcessor *form;
	struct param *latest; /* of the form */
	int params;
	bool too_long;
};

/* Waiting. */

/* false: the server stops. */
static bool wait_ms(struct server *server, int64_t ms)
{
	struct timespec end;
	bool stopping;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&server->mutex);
	while (!server->stopping && pthread_cond_timedwait(&server->change, &server->mutex, &end) != ETIMEDOUT)
		;
	stopping = server->stopping;
	pthread_mutex_unlock(&server->mutex);
	return !stopping;
}

static void wait_open(struct server *server)
{
	pthread_mutex_lock(&server->mutex);
	while (!server->open && !server->stopping)
		pthread_cond_wait(&server->change, &server->mutex);
	pthread_mutex_unlock(&server->mutex);
}

/* Coming in. */

static enum MHD_Result add_query(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct request *rq = data;

	(void)kind;
	param_add(&rq->query, name, value);
	return MHD_YES;
}

static enum MHD_Result add_form(void *data, enum MHD_ValueKind kind, const char *name, const char *filename,
				const char *type, const char *encoding, const char *text, uint64_t offset,
				size_t size)
{
	struct exchange *ex = data;
	struct request *rq = &ex->rq;
	char *piece;

	(void)kind;
	(void)filename;
	(void)type;
	(void)encoding;
	if (!name)
		return MHD_YES;
	if (offset) {
		param_extend(ex->latest, text, size);
		return MHD_YES;
	}
	ex->too_long |= ++ex->params > PARAMS_MAX;
	if (ex->too_long)
		return MHD_NO;
	rq->repeated |= param(rq->form, name) != NULL;
	piece = text_copy_n(text ? text : "", size);
	ex->latest = param_add(&rq->form, name, piece);
	free(piece);
	return MHD_YES;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static struct exchange *begin(struct MHD_Connection *connection, const char *path, const char *method)
{
	struct exchange *ex = memory(sizeof(*ex));
	struct request *rq = &ex->rq;

	rq->method = method;
	rq->path = path;
	rq->host = header(connection, MHD_HTTP_HEADER_HOST);
	rq->authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
	rq->content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
	rq->note.start_ms = clock_ms();
	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_query, rq);
	if (!strcmp(method, "POST") && rq->content_type)
		ex->form = MHD_create_post_processor(connection, 4096, add_form, ex); /* NULL: another type */
	return ex;
}

static void take_body(struct exchange *ex, const char *data, size_t size)
{
	struct request *rq = &ex->rq;
	char *longer;

	ex->too_long |= size > BODY_MAX - rq->body_length;
	if (ex->too_long)
		return;
	rq->body_length += size;
	if (ex->form) {
		MHD_post_process(ex->form, data, size);
		return;
	}
	longer = memory(rq->body_length + 1);
	if (rq->body)
		memcpy(longer, rq->body, rq->body_length - size);
	memcpy(longer + rq->body_length - size, data, size);
	free(rq->body);
	rq->body = longer;
}

static void body_complete(struct exchange *ex)
{
	struct request *rq = &ex->rq;

	if (ex->form)
		MHD_destroy_post_processor(ex->form);
	ex->form = NULL;
	if (rq->body && rq->content_type && !strncmp(rq->content_type, "application/json", 16))
		params_from_json(&rq->form, rq->body);
}

static void ended(void *data, struct MHD_Connection *connection, void **where,
		  enum MHD_RequestTerminationCode code)
{
	struct exchange *ex = *where;

	(void)data;
	(void)connection;
	(void)code;
	if (!ex)
		return;
	if (ex->form)
		MHD_destroy_post_processor(ex->form);
	params_free(ex->rq.query);
	params_free(ex->rq.form);
	free(ex->rq.body);
	free(ex->rq.note.grant_type);
	free(ex->rq.note.client_id);
	free(ex->rq.note.user);
	free(ex);
	*where = NULL;
}

/* Going out. */

static enum MHD_Result queue(struct MHD_Connection *connection, const struct reply *reply,
			     struct MHD_Response *response)
{
	enum MHD_Result r;

	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Tokeep-Sandbox", "a server for tests");
	if (reply->type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type);
	if (reply->location)
		MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, reply->location);
	if (reply->retry_after)
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, reply->retry_after);
	if (reply->challenge)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, reply->challenge);
	if (reply->type && !strncmp(reply->type, "text/html", 9)) {
		MHD_add_response_header(response, "Content-Security-Policy",
					"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
		MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	}
	r = MHD_queue_response(connection, reply->status, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result send_whole(struct MHD_Connection *connection, const struct reply *reply)
{
	return queue(connection, reply,
		     MHD_create_response_from_buffer(reply->length, reply->body, MHD_RESPMEM_MUST_COPY));
}

/* A body that comes a byte at a time, or ends before its announced length. */
struct stream {
	struct server *server;
	char *body;
	size_t length, end;
	int64_t pause_ms;
};

static ssize_t stream_read(void *data, uint64_t position, char *out, size_t room)
{
	struct stream *stream = data;
	size_t n = stream->end - position;

	if (position >= stream->end)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (stream->pause_ms) {
		if (!wait_ms(stream->server, stream->pause_ms))
			return MHD_CONTENT_READER_END_WITH_ERROR;
		n = 1;
	}
	n = n < room ? n : room;
	memcpy(out, stream->body + position, n);
	return (ssize_t)n;
}

static void stream_free(void *data)
{
	struct stream *stream = data;

	free(stream->body);
	free(stream);
}

static enum MHD_Result send_stream(struct server *server, struct MHD_Connection *connection,
				   struct reply *reply, size_t end, int64_t pause_ms)
{
	struct stream *stream = memory(sizeof(*stream));

	stream->server = server;
	stream->body = reply->body;
	reply->body = NULL; /* transferred */
	stream->length = reply->length;
	stream->end = end;
	stream->pause_ms = pause_ms;
	return queue(connection, reply, MHD_create_response_from_callback(stream->length, 4096, stream_read,
									  stream, stream_free));
}

/* Puts /dev/null in the socket's place after it was told to reset when closed. */
static void reset(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	dup2(null, info->connect_fd);
	close(null);
}

static enum MHD_Result answer(struct server *server, struct MHD_Connection *connection, struct reply *reply,
			      const struct fault_plan *plan)
{
	switch (plan->kind) {
	case FAULT_RESET:
		reset(connection);
		return MHD_NO;
	case FAULT_DROP:
		return MHD_NO;
	case FAULT_SLOW:
		return send_stream(server, connection, reply, reply->length, plan->ms);
	case FAULT_TRUNCATE:
		return send_stream(server, connection, reply, reply->length / 2, 0);
	default:
		fault_spoil(plan, reply);
		return send_whole(connection, reply);
	}
}

/* One whole request. */

/* A page of the web that resolves its own name to us gets nothing. */
static bool host_is_ours(const struct sandbox *sb, const struct request *rq)
{
	return rq->host && (!strcmp(rq->host, sb->host) || !strcmp(rq->host, sb->other_host));
}

static void refuse(struct reply *reply, unsigned int status, const char *error)
{
	reply_json(reply, status, json_pack("{s:s}", "error", error));
}

static void process(struct sandbox *sb, const struct route *route, struct exchange *ex, struct reply *reply)
{
	if (!host_is_ours(sb, &ex->rq))
		refuse(reply, 421, "wrong_host");
	else if (!route)
		refuse(reply, 404, "not_found");
	else if (!route_takes(route, ex->rq.method))
		refuse(reply, 405, "wrong_method");
	else if (ex->too_long)
		refuse(reply, 413, "too_long");
	else if (!params_sound(ex->rq.form) || !params_sound(ex->rq.query))
		refuse(reply, 400, "invalid_request");
	else
		route->handle(sb, &ex->rq, reply);
}

/* With every delay and fault; MHD_NO closes the connection. */
static enum MHD_Result perform(struct server *server, struct MHD_Connection *connection, struct exchange *ex,
			       const struct route *route, const struct fault_plan *plan, struct reply *reply)
{
	if (!wait_ms(server, plan->delay_ms))
		return MHD_NO;
	if (!plan->kind || plan->after)
		process(server->sb, route, ex, reply);
	else
		ex->rq.note.outcome = "not_processed";
	if (ex->rq.note.endpoint)
		record_request(server->sb->record, &ex->rq, reply->status);
	if (!wait_ms(server, plan->delay_after_ms))
		return MHD_NO;
	return answer(server, connection, reply, plan);
}

static enum MHD_Result respond(struct server *server, struct MHD_Connection *connection, struct exchange *ex)
{
	const struct route *route = route_find(server->sb, ex->rq.path);
	struct reply reply = { 0 };
	struct fault_plan plan = { 0 };
	enum MHD_Result r;

	ex->rq.note.endpoint = route ? route->endpoint : "unknown";
	note_request(&ex->rq);
	if (ex->rq.note.endpoint)
		faults_take(server->sb->faults, ex->rq.note.endpoint, &plan);
	ex->rq.note.fault = plan.name;
	r = perform(server, connection, ex, route, &plan, &reply);
	reply_clear(&reply);
	fault_plan_clear(&plan);
	return r;
}

static enum MHD_Result handle(void *data, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *upload, size_t *upload_size,
			      void **where)
{
	struct server *server = data;
	struct exchange *ex = *where;

	(void)version;
	if (!ex) {
		*where = begin(connection, path, method);
		return MHD_YES;
	}
	if (*upload_size) {
		take_body(ex, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	body_complete(ex);
	wait_open(server);
	return respond(server, connection, ex);
}

/* Life. */

/* Why it can't start is worth a line; that a connection broke off, as faults want it, is not. */
__attribute__((format(printf, 2, 0)))
static void complain(void *data, const char *format, va_list args)
{
	struct server *server = data;
	bool opened;

	pthread_mutex_lock(&server->mutex);
	opened = server->open;
	pthread_mutex_unlock(&server->mutex);
	if (opened)
		return;
	fputs("tokeep-sandbox: ", stderr);
	vfprintf(stderr, format, args);
}

static struct MHD_Daemon *listen_on(struct server *server, uint16_t port, const char *cert, const char *key)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)key },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
	unsigned int flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
			     MHD_USE_ERROR_LOG | (cert ? MHD_USE_TLS : 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	errno = 0;
	return MHD_start_daemon(flags, port, NULL, NULL, handle, server,
				MHD_OPTION_EXTERNAL_LOGGER, complain, server,
				MHD_OPTION_SOCK_ADDR, &address,
				MHD_OPTION_NOTIFY_COMPLETED, ended, NULL,
				MHD_OPTION_CONNECTION_LIMIT, 4096u,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)BODY_MAX,
				MHD_OPTION_ARRAY, cert ? tls : none, MHD_OPTION_END);
}

static void server_free(struct server *server)
{
	pthread_cond_destroy(&server->change);
	pthread_mutex_destroy(&server->mutex);
	free(server);
}

struct server *server_start(struct sandbox *sb, uint16_t *port, const char *cert, const char *key)
{
	struct server *server = memory(sizeof(*server));

	server->sb = sb;
	pthread_mutex_init(&server->mutex, NULL);
	pthread_cond_init(&server->change, NULL);
	server->daemon = listen_on(server, *port, cert, key);
	if (!server->daemon) {
		server_free(server);
		return NULL;
	}
	*port = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	return server;
}

static void change(struct server *server, bool *what)
{
	pthread_mutex_lock(&server->mutex);
	*what = true;
	pthread_cond_broadcast(&server->change);
	pthread_mutex_unlock(&server->mutex);
}

void server_open(struct server *server)
{
	change(server, &server->open);
}

void server_stop(struct server *server)
{
	if (!server)
		return;
	change(server, &server->stopping);
	MHD_stop_daemon(server->daemon);
	server_free(server);
}
