/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* http.c: the way to the private transport, which is loaded at the first request. Knows no HTTP library. */
#include <config.h>

#include "transport.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "secret.h"

static int load(const struct transport **transport, struct error *err)
{
	char *path = NULL;
	void *object;
	const struct transport *found;
	int r = 0;

	if (asprintf(&path, "%s/private/transport.so", conf_libdir()) < 0)
		return error_nomem(err);
	object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	found = object ? dlsym(object, "tokeep_transport") : NULL;
	if (!object)
		r = error_set(err, TOKEEP_ELOAD, "%s: can't be loaded, so no request can be sent: %s", path,
			      dlerror());
	else if (!found)
		r = error_set(err, TOKEEP_ELOAD, "%s: is no transport of tokeep: %s", path, dlerror());
	else if (found->version != TRANSPORT_VERSION)
		r = error_set(err, TOKEEP_ELOAD,
			      "%s: version %u, but this libtokeep needs %u: they were not installed together",
			      path, found->version, TRANSPORT_VERSION);
	else
		*transport = found;
	free(path);
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
