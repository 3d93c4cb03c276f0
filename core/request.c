/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * request.c: one call of an API. The access token goes into the Authorization header (RFC 6750, 2.1) and to the hosts
 * that the record or the configuration names, nowhere else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "context.h"
#include "secret.h"

#define CALL_TIMEOUT_MS (5 * 60 * 1000)
#define CONNECT_TIMEOUT_MS 10000
#define HELD_BACK_MAX (256u << 10) /* of the body of a 401 */

/* One call under way. */
struct call {
	const struct flow *flow;
	struct tokeep_request *request;
	const struct client *client; /* NULL: no client knows the record */
	const char *url;
	struct http_response response;
	bool repeatable;   /* a 401 may be the token's fault */
	char *held;        /* its body, until it is clear that there is no second call */
	size_t held_size;
};

/*
 * Where it goes
 */

/* The authority of a URL, its port written out or not: HOST and HOST:443 are the same for https. */
static bool same_authority(const char *url, const char *authority, size_t size)
{
	size_t origin = http_url_origin(url);
	const char *from = strstr(url, "://"), *usual;
	size_t n, usual_size;

	if (!origin || !from || !size)
		return false;
	from += 3;
	n = origin - (size_t)(from - url);
	usual = !strncasecmp(url, "https", 5) ? ":443" : ":80";
	usual_size = strlen(usual);
	if (n > usual_size && !memcmp(from + n - usual_size, usual, usual_size))
		n -= usual_size;
	if (size > usual_size && !memcmp(authority + size - usual_size, usual, usual_size))
		size -= usual_size;
	return n == size && !strncasecmp(from, authority, n);
}

/* The same scheme, too: what is meant for https must not go by http. */
static bool same_origin(const char *url, const char *other)
{
	size_t scheme = strcspn(url, ":"), origin = http_url_origin(other);
	const char *from = strstr(other, "://");

	if (!origin || strncasecmp(url, other, scheme + 3))
		return false;
	return same_authority(url, from + 3, origin - (size_t)(from + 3 - other));
}

static const char *domain_of(const struct call *call, const struct tokeep_token *row)
{
	const char *domain = row->value[TOKEEP_FIELD_API_DOMAIN];

	return domain || !call->client ? domain : call->client->api_domain;
}

static bool allowed(const struct call *call, const struct tokeep_token *row)
{
	const struct setting *hosts = call->client ? call->client->api_hosts : NULL;
	const char *domain = domain_of(call, row);

	if (domain && same_origin(call->url, domain))
		return true;
	for (const struct setting *host = hosts ? hosts->first : NULL; host; host = host->next)
		if (host->text && same_authority(call->url, host->text, strlen(host->text)))
			return true;
	return false;
}

static int refuse_host(const struct call *call)
{
	const struct client *client = call->client;
	const struct setting *group = client ? client->group : NULL;
	const char *host = strstr(call->url, "://") + 3;
	int size = (int)(http_url_origin(call->url) - (size_t)(host - call->url));

	if (group)
		error_set(call->flow->err, TOKEEP_ECONFIG, "%s:%d: clients.%s", group->file, group->line, client->name);
	else
		error_set(call->flow->err, TOKEEP_ECONFIG, "%s", call->flow->conf->file ? call->flow->conf->file : "tokeep.conf");
	error_add(call->flow->err, ": the token is not sent to %.*s, which is not its api_domain; to allow it, add to %s: "
		  "api_hosts = [ \"%.*s\" ];", size, host, group ? "the client" : "a client with the record's client_id", size,
		  host);
	return TOKEEP_ECONFIG;
}

/* The URL to call: as given, or the path at the record's api_domain. */
static int place(struct call *call, const struct tokeep_token *row, char **made)
{
	const char *given = call->request->url, *domain = domain_of(call, row), *why;

	*made = NULL;
	call->url = given;
	if (*given == '/') {
		if (!domain)
			return error_set(call->flow->err, TOKEEP_EINVAL,
					 "%s: no api_domain is known for this token: give the whole URL", token_who(row));
		if (asprintf(made, "%.*s%s", (int)strlen(domain) - (domain[strlen(domain) - 1] == '/'), domain, given) < 0) {
			*made = NULL;
			return error_nomem(call->flow->err);
		}
		call->url = *made;
	}
	why = http_url_refusal(call->url);
	if (why)
		return error_set(call->flow->err, TOKEEP_EINVAL, "URL: %s", why);
	return allowed(call, row) ? 0 : refuse_host(call);
}

/*
 * Sending
 */

static int give(const struct call *call, const char *bytes, size_t size)
{
	return call->request->take && size ? call->request->take(call->request->data, bytes, size) : 0;
}

static int give_held(struct call *call)
{
	int r = give(call, call->held, call->held_size);

	free(call->held);
	call->held = NULL;
	call->held_size = 0;
	return r;
}

/* The body of a 401 waits, for it is of no interest where the second call succeeds. */
static int take_piece(void *data, const char *bytes, size_t size)
{
	struct call *call = data;
	char *longer;
	int r;

	if (call->response.status != 401 || !call->repeatable)
		return give(call, bytes, size);
	if (call->held_size + size > HELD_BACK_MAX) {
		call->repeatable = false;
		r = give_held(call);
		return r ? r : give(call, bytes, size);
	}
	longer = realloc(call->held, call->held_size + size);
	if (!longer)
		return error_nomem(call->flow->err);
	memcpy(longer + call->held_size, bytes, size);
	call->held = longer;
	call->held_size += size;
	return 0;
}

static bool names(const char *header, const char *name)
{
	size_t n = strlen(name);

	return !strncasecmp(header, name, n) && header[n + strspn(header + n, " \t")] == ':';
}

/* The caller's headers with ours in front. */
static int make_headers(const struct call *call, char *authorization, const char ***made)
{
	const char *const *given = call->request->headers;
	const char **headers;
	size_t n = 0;

	for (; given && given[n]; n++) {
		if (!strchr(given[n], ':'))
			return error_set(call->flow->err, TOKEEP_EINVAL, "header %zu: there is no colon in it", n + 1);
		if (names(given[n], "Authorization") || names(given[n], "Host"))
			return error_set(call->flow->err, TOKEEP_EINVAL, "header %.*s: can't be set", (int)strcspn(given[n], ":"),
					 given[n]);
	}
	headers = calloc(n + 2, sizeof(*headers));
	if (!headers)
		return error_nomem(call->flow->err);
	headers[0] = authorization;
	for (size_t i = 0; i < n; i++)
		headers[i + 1] = given[i];
	*made = headers;
	return 0;
}

/* Of a body whose caller doesn't say what it is. */
static const char *content_type(const struct tokeep_request *request)
{
	size_t at = 0;

	if (!request->body)
		return NULL;
	while (at < request->body_size && strchr(" \t\r\n", request->body[at]) && request->body[at])
		at++;
	return at < request->body_size && (request->body[at] == '{' || request->body[at] == '[') ?
		       "application/json" :
		       "application/x-www-form-urlencoded";
}

static int send_headers(struct call *call, const char **headers)
{
	const struct conf *conf = call->flow->conf;
	const struct tokeep_request *request = call->request;
	const struct http_request http = {
		.method = request->method ? request->method : request->body ? "POST" : "GET",
		.url = call->url, .headers = headers, .body = request->body, .body_size = request->body_size,
		.content_type = content_type(request), .proxy = conf->proxy, .ca_file = conf->ca_file,
		.ca_path = conf->ca_path, .tls_cert_file = call->client ? call->client->tls_cert_file : NULL,
		.tls_key_file = call->client ? call->client->tls_key_file : NULL,
		.timeout_ms = flow_left_ms(call->flow, CALL_TIMEOUT_MS), .connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.size_max = SIZE_MAX, .sink = take_piece, .sink_data = call,
	};

	http_response_free(&call->response);
	return http_send(&http, &call->response, call->flow->err);
}

static int send_once(struct call *call, const struct tokeep_token *row)
{
	const char **headers = NULL;
	char *authorization;
	int r;

	if (asprintf(&authorization, "Authorization: %s %s", call->client ? call->client->header : "Bearer",
		     row->value[TOKEEP_FIELD_ACCESS_TOKEN]) < 0)
		return error_nomem(call->flow->err);
	r = make_headers(call, authorization, &headers);
	if (!r)
		r = send_headers(call, headers);
	free(headers);
	secret_free(authorization);
	return r;
}

/* Another token instead of the one refused. Where there is none, the first answer is the answer. */
static int replace(struct call *call, struct tokeep_token *row, bool *again)
{
	struct error *err = call->flow->err;
	int r = flow_replace(call->flow, row);

	*again = !r || r == TOKEEP_EUNSAVED;
	if (r)
		log_say(call->flow->log, TOKEEP_LOG_WARNING, "%s", error_text(err));
	error_clear(err);
	return r == TOKEEP_EUNSAVED ? r : 0;
}

static int send_and_repeat(struct call *call, struct tokeep_token *row)
{
	bool again = false;
	int unsaved = 0, r;

	call->repeatable = true;
	r = send_once(call, row);
	if (r)
		return r;
	if (call->response.status == 401 && call->repeatable)
		unsaved = replace(call, row, &again);
	call->repeatable = false;
	if (!again)
		return give_held(call);
	free(call->held);
	call->held = NULL;
	call->held_size = 0;
	r = send_once(call, row);
	return r ? r : unsaved;
}

static int settle(const struct call *call, int r)
{
	long status = call->response.status;

	if (r && r != TOKEEP_EUNSAVED)
		return r;
	if (status >= 400)
		r = error_set(call->flow->err, TOKEEP_EHTTP, "%.*s: answered with status %ld",
			      (int)strcspn(call->url, "?#"), call->url, status);
	else if (r)
		error_set(call->flow->err, r, "the call succeeded, but a fresh token is in the journal alone; run: tokeep check");
	if (status == 429 || status == 503)
		call->flow->err->retry_after_s = call->response.retry_after_s;
	if (status >= 300 && status < 400 && call->response.location)
		log_say(call->flow->log, TOKEEP_LOG_WARNING, "%.*s: answered with a redirect to %.200s, which is not followed",
			(int)strcspn(call->url, "?#"), call->url, call->response.location);
	return r;
}

static int call_api(const struct flow *flow, struct tokeep_token *token, struct tokeep_request *request)
{
	struct call call = { .flow = flow, .request = request, .response.retry_after_s = -1 };
	struct client *client = NULL;
	char *made = NULL;
	int r;

	/* A record that no client knows can still be used, as the standard says. */
	if (client_for_token(flow->conf, token, &client, flow->err))
		client = NULL;
	error_clear(flow->err);
	call.client = client;
	r = place(&call, token, &made);
	if (!r)
		r = settle(&call, send_and_repeat(&call, token));
	request->status = call.response.status;
	http_response_free(&call.response);
	free(call.held);
	free(made);
	client_free(client);
	return r;
}

int tokeep_request(struct tokeep *tk, struct tokeep_token *token, struct tokeep_request *request)
{
	struct tokeep_token row = { { NULL } };
	struct flow flow;
	int unsaved, r = context_flow(tk, &flow);

	request->status = 0;
	if (!r && (!request->url || !*request->url))
		r = error_set(&tk->err, TOKEEP_EINVAL, "no URL is given");
	if (!r)
		r = token_copy(&row, token) ? error_nomem(&tk->err) : flow_access(&flow, &row, 0, false);
	unsaved = r == TOKEEP_EUNSAVED ? r : 0;
	if (!r || unsaved) {
		if (unsaved)
			log_say(&tk->log, TOKEEP_LOG_WARNING, "%s", error_text(&tk->err));
		r = call_api(&flow, &row, request);
		token_move(token, &row);
	}
	if (!r && unsaved)
		r = error_set(&tk->err, unsaved, "the call succeeded, but a fresh token is in the journal alone; run: tokeep check");
	token_clear(&row);
	return r;
}
