/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* authorize.c: one pending authorization request: its URL, and whether a callback is its. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authorize.h"
#include "form.h"
#include "secret.h"

#define RANDOM_SIZE 32
#define TEXT_SIZE 44 /* of 32 bytes in base64url: 43, and a NUL; RFC 7636 wants 43 to 128 */

static int random_text(char **text, struct error *err)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char bytes[RANDOM_SIZE + 1] = { 0 };
	char *p;

	if (secret_random(bytes, RANDOM_SIZE))
		return error_set(err, TOKEEP_EINTERNAL, "random bytes: %s", strerror(errno));
	p = *text = malloc(TEXT_SIZE);
	if (!p)
		return error_nomem(err);
	for (int bit = 0; bit < RANDOM_SIZE * 8; bit += 6) {
		unsigned int pair = bytes[bit / 8] << 8 | bytes[bit / 8 + 1];

		*p++ = digits[pair >> (10 - bit % 8) & 63];
	}
	*p = '\0';
	secret_wipe(bytes, sizeof(bytes));
	return 0;
}

/* People write scopes with blanks or commas; each provider wants its own separator. */
static char *joined_scope(const struct client *client, const char *scope)
{
	size_t separator = strlen(client->scope_separator);
	char *text = scope ? malloc(strlen(scope) * (separator + 1) + 1) : NULL, *to = text;

	for (const char *from = scope; to && *from;) {
		size_t skip = strspn(from, " ,"), n = strcspn(from + skip, " ,");

		/* A comma may be part of a scope where blanks separate them. */
		if (*client->scope_separator == ' ') {
			skip = strspn(from, " ");
			n = strcspn(from + skip, " ");
		}
		if (n && to != text)
			to = stpcpy(to, client->scope_separator);
		memcpy(to, from + skip, n);
		to += n;
		from += skip + n;
	}
	if (to)
		*to = '\0';
	return text;
}

/* A second `state` or challenge would be the server's choice, and might be the weaker one. */
static bool is_ours(const char *name)
{
	static const char *const ours[] = { "response_type", "client_id",	   "redirect_uri", "scope",
					    "state",	     "code_challenge", "code_challenge_method" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (!strcmp(name, ours[i]))
			return true;
	return false;
}

static int add_params(struct form *form, const struct client *client, struct error *err)
{
	const struct setting *own = client->authorization_params[1];

	for (int i = 0; i < 2; i++) {
		const struct setting *group = client->authorization_params[i];

		for (const struct setting *s = group ? group->first : NULL; s; s = s->next) {
			if (is_ours(s->name))
				return setting_refuse(s, err, "%s is part of every login: tokeep sets it", s->name);
			if (i || !own || !setting_member(own, s->name))
				form_add(form, s->name, s->text);
		}
	}
	return 0;
}

static int build_url(const struct client *client, const char *scope, const char *challenge,
		     struct authorization *a, struct error *err)
{
	const char *base = client->authorization_url;
	struct form form = { NULL, 0, 0, false };
	char *joined = joined_scope(client, scope ? scope : client->scope);
	int r;

	form_add(&form, "response_type", "code");
	form_add(&form, "client_id", client->client_id);
	form_add(&form, "redirect_uri", a->redirect_url);
	form_add(&form, "scope", joined && *joined ? joined : NULL);
	form_add(&form, "state", a->state);
	form_add(&form, "code_challenge", challenge);
	form_add(&form, "code_challenge_method", "S256");
	r = add_params(&form, client, err);
	/* A query that the endpoint has is kept: RFC 6749, 3.1. */
	if (!r && (form.failed || asprintf(&a->url, "%s%s%s", base, strchr(base, '?') ? "&" : "?", form.text) < 0)) {
		a->url = NULL;
		r = error_nomem(err);
	}
	free(joined);
	form_free(&form);
	return r;
}

int authorization_new(const struct flow *flow, const struct client *client, const char *scope,
		      const char *redirect_url, struct authorization *authorization)
{
	struct authorization a = { .redirect_url = NULL };
	const struct transport *transport;
	struct error *err = flow->err;
	char *challenge = NULL;
	int r;

	if (!client->authorization_url)
		return error_set(err, TOKEEP_ECONFIG,
				 "%s: neither the client nor its provider has an authorization_url; run: tokeep login "
				 "%s --device, or --code",
				 client->name, client->name);
	if (client->pkce_lacking)
		return error_set(err, TOKEEP_ECONFIG, "%s: the server's metadata does not list PKCE's S256, so a "
				 "login in the browser is not safe there", client->issuer);
	r = http_transport(&transport, err);
	if (!r)
		r = random_text(&a.state, err);
	if (!r)
		r = random_text(&a.code_verifier, err);
	if (!r)
		r = transport->challenge(a.code_verifier, &challenge, err);
	if (!r && !(a.redirect_url = strdup(redirect_url)))
		r = error_nomem(err);
	if (!r)
		r = build_url(client, scope, challenge, &a, err);
	free(challenge);
	if (r)
		authorization_free(&a);
	else
		*authorization = a;
	return r;
}

void authorization_free(struct authorization *authorization)
{
	secret_free(authorization->state);
	secret_free(authorization->code_verifier);
	secret_free(authorization->url); /* the state is in it */
	free(authorization->redirect_url);
	*authorization = (struct authorization){ .state = NULL };
}

int authorization_check(const struct authorization *authorization, const struct client *client,
			const struct callback *callback, struct error *err)
{
	const char *iss = callback->iss;

	if (!callback->state || !secret_equal(callback->state, authorization->state))
		return error_set(err, TOKEEP_EINVAL, "%s: the callback's state is %s, so it is of another login: ignored",
				 client->name, callback->state ? "another one" : "missing");
	if (!iss && client->iss_announced)
		return error_set(err, TOKEEP_EINVAL,
				 "%s: the callback has no iss, though %s announces one (RFC 9207): ignored", client->name,
				 client->issuer);
	if (iss && client->issuer && strcmp(iss, client->issuer))
		return error_set(err, TOKEEP_EINVAL, "%s: the callback is of issuer %s, not of %s (RFC 9207): ignored",
				 client->name, iss, client->issuer);
	return 0;
}
