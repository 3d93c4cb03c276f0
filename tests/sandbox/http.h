/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * http.h: a request and a reply as the endpoints see them. Knows no web server; server.c fills the one and
 * sends the other.
 */
#ifndef SANDBOX_HTTP_H
#define SANDBOX_HTTP_H

#include "digest.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct param {
	struct param *next;
	char *name, *value;
};

/* What the log tells of a request. The texts without `char *` of their own are constants. */
struct note {
	const char *endpoint;    /* "token" */
	const char *client_auth; /* "basic", "post", "none"; NULL */
	const char *outcome;     /* "ok", the OAuth error, "dropped"; NULL: by the status */
	const char *fault;       /* NULL */
	char *grant_type, *client_id, *user;
	struct digest presented;              /* refresh token, code or access token that came */
	struct digest access_token, refresh_token; /* that were given */
	int64_t start_ms;
	bool secret_in_url;
};

struct request {
	const char *method, *path, *host /* NULL */, *authorization /* NULL */, *content_type /* NULL */;
	struct param *query, *form; /* form: of a body in either form encoding, or the members of a JSON object */
	bool repeated;              /* the form had a parameter more than once */
	char *body;                 /* any other body, NUL-terminated; NULL */
	size_t body_length;
	struct note note;
};

struct param *param_add(struct param **list, const char *name, const char *value); /* at the end */
void param_extend(struct param *param, const char *more, size_t length);
void params_free(struct param *list);
/* NULL: absent. A parameter without a value counts as absent (RFC 6749 3.2). */
const char *param(const struct param *list, const char *name);
bool params_sound(const struct param *list); /* all of it is UTF-8 */
void params_from_json(struct param **list, const char *text); /* what is no object gives none */

json_t *json_text(const char *text); /* null for what is absent, empty or no UTF-8 */

struct reply {
	unsigned int status;
	const char *type; /* "application/json" */
	char *body;
	size_t length;
	char *location;         /* of a redirect */
	char *retry_after;      /* text, so that a date works as well */
	const char *challenge;  /* WWW-Authenticate */
};

void reply_json(struct reply *reply, unsigned int status, json_t *value); /* takes value */
void reply_html(struct reply *reply, unsigned int status, char *html);    /* takes html */
void reply_text(struct reply *reply, unsigned int status, char *text);     /* takes text */
void reply_redirect(struct reply *reply, char *location);                 /* takes location */
void reply_clear(struct reply *reply);

/* Text made safe for HTML, and for a URL's query. */
char *html_escaped(const char *text);
char *url_escaped(const char *text);
#endif
