/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* http.c: the way to the private transport, which is loaded at the first request. Knows no HTTP library. */
#include <config.h>

#include "transport.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "private.h"
#include "secret.h"

static int load(const struct transport **transport, struct error *err)
{
	const void *found;
	int r = private_load("transport", "tokeep_transport", TRANSPORT_VERSION, "no request can be sent", &found, err);

	if (!r && !found)
		r = error_set(err, TOKEEP_ELOAD, "%s/private/transport.so: is not there, so no request can be sent: "
			      "install tokeep again", conf_libdir());
	if (!r)
		*transport = found;
	return r;
}

int http_transport(const struct transport **transport, struct error *err)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static const struct transport *loaded; /* an object of the process, as dlopen's are; never unloaded */
	int r = 0;

	pthread_mutex_lock(&mutex);
	if (!loaded)
		r = load(&loaded, err);
	if (!r)
		*transport = loaded;
	pthread_mutex_unlock(&mutex);
	return r;
}

/* A URL that is refused may hold a password: shown from behind the user name up to the query. */
static int refuse_url(const char *url, const char *refusal, struct error *err)
{
	const char *authority = strstr(url, "://"), *at;
	int size;

	if (authority) {
		authority += 3;
		at = memrchr(authority, '@', strcspn(authority, "/?#"));
		url = at ? at + 1 : url;
	}
	size = (int)strcspn(url, "?#");
	return error_set(err, TOKEEP_ECONFIG, "%.*s: not asked: %s", size, url, refusal);
}

int http_send(const struct http_request *request, struct http_response *response, struct error *err)
{
	const struct transport *transport;
	const char *refusal = http_url_refusal(request->url);
	int r;

	memset(response, 0, sizeof(*response));
	response->retry_after_s = -1;
	if (refusal)
		return refuse_url(request->url, refusal, err);
	r = http_transport(&transport, err);
	return r ? r : transport->send(request, response, err);
}

void http_response_free(struct http_response *response)
{
	secret_free_size(response->body, response->body ? response->size : 0);
	free(response->content_type);
	free(response->www_authenticate);
	free(response->location);
	memset(response, 0, sizeof(*response));
	response->retry_after_s = -1;
}
