/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* authorize.c: the authorization endpoint of both dialects: checks, the page that asks, the redirect. */
#include "config.h"

#include "page.h"
#include "sandbox.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static bool loopback(const char *uri)
{
	static const char *const starts[] = { "http://127.0.0.1", "http://[::1]", "http://localhost" };

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		size_t n = strlen(starts[i]);

		if (!strncmp(uri, starts[i], n) && strchr(":/", uri[n]))
			return true;
	}
	return false;
}

/* The same but for the port, which a native client chooses when it starts (RFC 8252 7.3). */
static bool same_but_port(const char *registered, const char *uri)
{
	size_t host = strcspn(registered + strlen("http://"), ":/") + strlen("http://");
	const char *path = registered + host + strcspn(registered + host, "/");

	return loopback(registered) && !strncmp(registered, uri, host) && strchr(":/", uri[host]) &&
	       !strcmp(path, uri + host + strcspn(uri + host, "/"));
}

static bool registered(const struct sandbox *sb, const char *uri)
{
	if (!sb->redirects)
		return loopback(uri) || !strncmp(uri, "https://", strlen("https://"));
	for (const struct param *p = sb->redirects; p; p = p->next)
		if (!strcmp(p->value, uri) || same_but_port(p->value, uri))
			return true;
	return false;
}

/* Never redirects to a place that a client could not have registered (RFC 6749 4.1.2.1). */
static const char *refusal(struct sandbox *sb, const struct param *asked)
{
	const char *id = param(asked, "client_id");
	const char *uri = param(asked, "redirect_uri");

	if (!id || !grants_client(sb->grants, id))
		return "client_id: this server does not know that client";
	if (!uri || strchr(uri, '#') || !registered(sb, uri))
		return "redirect_uri: is none of the registered ones (without --redirect: https, or http to "
		       "loopback), or has a fragment";
	return NULL;
}

/* The error that the client is told by redirect; NULL: none. */
static const char *error_of(struct sandbox *sb, const struct param *asked)
{
	const struct client *client = grants_client(sb->grants, param(asked, "client_id"));
	const char *challenge = param(asked, "code_challenge");
	const char *method = param(asked, "code_challenge_method");

	if (!text_same(param(asked, "response_type"), "code"))
		return "unsupported_response_type";
	if (challenge ? !text_same(method, "S256") : !client->secret)
		return "invalid_request"; /* a public client needs PKCE, and plain protects nothing */
	return NULL;
}

/* NAME=VALUE to a URL that has a query or not. */
static void append(char **url, const char *name, const char *value)
{
	char *escaped;
	char *longer;

	if (!value)
		return;
	escaped = url_escaped(value);
	longer = text_format("%s%c%s=%s", *url, strchr(*url, '?') ? '&' : '?', name, escaped);
	free(escaped);
	free(*url);
	*url = longer;
}

static void answer(struct sandbox *sb, const struct param *asked, struct reply *reply, const char *code,
		   const char *error)
{
	char *url = text_copy(param(asked, "redirect_uri"));

	append(&url, "code", code);
	append(&url, "error", error);
	append(&url, "state", param(asked, "state"));
	if (sb->dialect == RFC) {
		append(&url, "iss", sb->base);
	} else if (code) {
		append(&url, "location", sb->location);
		append(&url, "accounts-server", strcmp(sb->location, "us") ? sb->other_base : sb->base);
	}
	reply_redirect(reply, url);
}

static void approve(struct sandbox *sb, struct request *rq, const struct param *asked, struct reply *reply,
		    const char *user)
{
	struct login login = {
		.client_id = param(asked, "client_id"),
		.user = user,
		.scope = param(asked, "scope"),
		.redirect_uri = param(asked, "redirect_uri"),
		.challenge = param(asked, "code_challenge"),
		.nonce = param(asked, "nonce"),
		.online = sb->dialect == ZOHO && !text_same(param(asked, "access_type"), "offline"),
	};
	char *code = grants_code(sb->grants, &login);

	text_replace(&rq->note.user, user);
	answer(sb, asked, reply, code, NULL);
	free(code);
}

static void ask(const struct param *asked, struct reply *reply)
{
	char *fields = page_hidden_fields(asked);
	char *client = html_escaped(param(asked, "client_id"));
	char *scope = html_escaped(param(asked, "scope") ? param(asked, "scope") : "(none named)");

	reply_html(reply, 200, page_html("<h1>Let %s in?</h1><p>It asks for: <b>%s</b></p>"
					 "<form method=post>%s"
					 "<p><label>Log in as <input name=user value=\"alice@example.com\"></label></p>"
					 "<p><button name=decision value=approve>Approve</button>"
					 "<button name=decision value=deny>Deny</button></p></form>",
					 client, scope, fields));
	free(fields);
	free(client);
	free(scope);
}

static void decide(struct sandbox *sb, struct request *rq, const struct param *asked, struct reply *reply)
{
	const char *decision = rq->form ? param(rq->form, "decision") : NULL;
	char *user = sandbox_auto_approve(sb);

	if (!user && text_same(decision, "approve"))
		user = text_copy(param(rq->form, "user"));
	if (user) {
		approve(sb, rq, asked, reply, user);
	} else if (decision) {
		rq->note.outcome = "access_denied";
		answer(sb, asked, reply, NULL, "access_denied");
	} else {
		rq->note.outcome = "asked";
		ask(asked, reply);
	}
	free(user);
}

void authorize_page(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	const struct param *asked = rq->form ? rq->form : rq->query;
	const char *why = refusal(sb, asked);
	const char *error;

	if (why) {
		rq->note.outcome = "refused";
		reply_html(reply, 400, page_html("<h1>This request is wrong</h1><p>%s</p>", why));
		return;
	}
	error = error_of(sb, asked);
	if (error) {
		rq->note.outcome = error;
		answer(sb, asked, reply, NULL, error);
		return;
	}
	decide(sb, rq, asked, reply);
}
