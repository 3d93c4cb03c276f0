/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * transport.h: one HTTP exchange. transport.c is the only code that knows libcurl; it is built as a
 * shared object of its own (private/transport.so under the library's folder), which http_send() of http.c
 * loads at the first request, so that a valid token is printed without paying for it.
 */
#ifndef TOKEEP_CORE_TRANSPORT_H
#define TOKEEP_CORE_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include "error.h"

struct http_request {
	const char *method;         /* "GET", "POST", ... */
	const char *url;            /* https, or http to loopback: checked again here */
	const char *const *headers; /* "Name: value", NULL at the end; NULL: none */
	const char *body;           /* NULL: none */
	size_t body_size;
	const char *content_type;   /* of the body */
	const char *user, *password; /* HTTP Basic, already form-encoded where that is due; NULL: none */
	const char *proxy, *ca_file, *ca_path; /* NULL: the usual variables, else the system's */
	const char *tls_cert_file, *tls_key_file; /* NULL: none */
	int64_t timeout_ms;         /* the whole exchange */
	int64_t connect_timeout_ms;
	size_t size_max;            /* of the answer; larger: TOKEEP_EREPLY */
	/* NULL: the body is collected in the response. Else each piece goes here as it comes; the response's status is
	 * already set. Not 0: stop, and http_send() returns it. */
	int (*sink)(void *data, const char *bytes, size_t size);
	void *sink_data;
};

struct http_response {
	long status;
	char *content_type;    /* without parameters, lower case; NULL */
	char *www_authenticate; /* NULL */
	char *location;        /* of a redirect, which is never followed; NULL */
	int64_t retry_after_s; /* -1: absent; seconds and dates alike, 0 to a day */
	char *body;            /* ends in a NUL that size does not count */
	size_t size;
	bool sent;             /* on failure, too: some of the request may have reached the server */
};

/* 0: there is an answer, whatever its status. TOKEEP_ETRANSPORT: none that is whole (then `sent` tells whether a
 * refresh token may have been spent). TOKEEP_EREPLY: too large. TOKEEP_ECONFIG: the URL, the CA or the client's
 * certificate is unusable, TOKEEP_EINVAL: a header or the method is; nothing was sent. The response is overwritten
 * unread and is to be freed on failure, too. */
int http_send(const struct http_request *request, struct http_response *response, struct error *err);
void http_response_free(struct http_response *response); /* wipes */

#define TRANSPORT_DIGEST_SIZE 33

/* What the private shared object exports, by the name "tokeep_transport". */
struct transport {
	unsigned int version; /* TRANSPORT_VERSION: built together */
	int (*send)(const struct http_request *, struct http_response *, struct error *);
	/* RFC 7523 client assertion, signed with the key of key_file (PEM; RS256, PS256 or ES256 by its kind) or, with key_file
	 * NULL, HS256 with `secret`. Caller frees with secret_free. */
	int (*assertion)(const char *client_id, const char *audience, const char *key_file, const char *key_id,
			 const char *secret, int64_t now_ms, char **jwt, struct error *);
	/* What stands for a token in the journal and in state files: the first 128 bits of SHA-256 in hex. */
	int (*digest)(const char *value, char hex[TRANSPORT_DIGEST_SIZE], struct error *);
	/* PKCE's S256 of a verifier: BASE64URL(SHA256(verifier)), RFC 7636, 4.2. Caller frees. */
	int (*challenge)(const char *verifier, char **challenge, struct error *);
	const char *(*describe)(void); /* "libcurl/7.88.1 OpenSSL/3.0.11" */
};
#define TRANSPORT_VERSION 1u
int http_transport(const struct transport **transport, struct error *err);

/* https, or http to 127.0.0.1, [::1] or localhost; no user, no fragment. The reason why not, else NULL. */
const char *http_url_refusal(const char *url);
bool http_url_loopback(const char *url);
/* How much of it is scheme, host and port; 0: it is no such URL. */
size_t http_url_origin(const char *url);
#endif
