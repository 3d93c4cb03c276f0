/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rfc.c: the endpoints as RFC 6749, 7009, 7636, 7662, 8414, 8628 and OpenID Connect have them. */
#include "config.h"

#include "sandbox.h"
#include "text.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	unsigned int status;
	const char *error, *description;
} words[VERDICTS] = {
	[BAD_REQUEST]    = { 400, "invalid_request", "a parameter is missing, or came twice, or makes no sense" },
	[BAD_CLIENT]     = { 401, "invalid_client", "unknown client, or its secret is missing" },
	[BAD_SECRET]     = { 401, "invalid_client", "wrong client secret" },
	[BAD_GRANT]      = { 400, "invalid_grant", "unknown, used, expired or revoked, or of another client" },
	[BAD_REDIRECT]   = { 400, "invalid_grant", "redirect_uri differs from the one of the authorization" },
	[BAD_SCOPE]      = { 400, "invalid_scope", "more than was granted" },
	[BAD_GRANT_TYPE] = { 400, "unsupported_grant_type", "this grant type is not offered" },
	[NOT_FOR_CLIENT] = { 400, "unauthorized_client", "a public client has no credentials of its own" },
	[PENDING]        = { 400, "authorization_pending", "the user has not decided yet" },
	[SLOW_DOWN]      = { 400, "slow_down", "wait five seconds longer" },
	[DENIED]         = { 400, "access_denied", "the user refused" },
	[EXPIRED]        = { 400, "expired_token", "the device code has expired" },
	[THROTTLED]      = { 429, "slow_down", "too many access tokens for this refresh token" },
};

static void refuse(struct request *rq, struct reply *reply, enum verdict v, const struct issue *issue)
{
	rq->note.outcome = words[v].error;
	if (v == THROTTLED) {
		rq->note.outcome = "throttled";
		reply->retry_after = text_format("%lld", (long long)issue->retry_after_s);
	}
	if (words[v].status == 401)
		reply->challenge = "Basic realm=\"tokeep-sandbox\"";
	reply_json(reply, words[v].status,
		   json_pack("{s:s, s:s}", "error", words[v].error, "error_description", words[v].description));
}

/* Client authentication (RFC 6749 2.3). */

static char *form_decoded(const char *text, size_t length)
{
	char *out = text_copy_n(text, length);
	char *end = out;

	for (const char *in = out; *in; in++) {
		char hex[3] = { in[0] == '%' ? in[1] : '\0', '\0', '\0' };

		if (hex[0] && in[2]) {
			hex[1] = in[2];
			*end++ = (char)strtol(hex, NULL, 16);
			in += 2;
		} else {
			*end++ = *in == '+' ? ' ' : *in;
		}
	}
	*end = '\0';
	return out;
}

/* "Basic base64(id:secret)", both form-encoded first. */
static bool basic_credentials(const char *header, char **id, char **secret)
{
	static const char scheme[] = "Basic ";
	size_t n;
	char *plain;
	char *colon;
	bool whole;

	if (strncasecmp(header, scheme, strlen(scheme)))
		return false;
	header += strlen(scheme);
	n = strlen(header);
	plain = memory(n + 4);
	whole = n % 4 == 0 && EVP_DecodeBlock((unsigned char *)plain, (const unsigned char *)header, (int)n) >= 0;
	colon = strchr(plain, ':');
	if (whole && colon) {
		*id = form_decoded(plain, (size_t)(colon - plain));
		*secret = form_decoded(colon + 1, strlen(colon + 1));
	}
	free(plain);
	return whole && colon;
}

static enum verdict check_secret(const struct client *client, const char *secret)
{
	if (!client)
		return BAD_CLIENT;
	if (!client->secret)
		return secret ? BAD_SECRET : GRANTED;
	if (!secret)
		return BAD_CLIENT;
	return secret_same(secret, client->secret) ? GRANTED : BAD_SECRET;
}

static enum verdict authenticate(struct sandbox *sb, struct request *rq, const struct client **client)
{
	const char *id = param(rq->form, "client_id");
	const char *secret = param(rq->form, "client_secret");
	char *basic_id = NULL;
	char *basic_secret = NULL;
	enum verdict v;

	rq->note.client_auth = rq->authorization ? "basic" : secret ? "post" : "none";
	if (rq->authorization) {
		if (secret)
			return BAD_REQUEST; /* two ways at once */
		if (!basic_credentials(rq->authorization, &basic_id, &basic_secret))
			return BAD_CLIENT;
		if (id && strcmp(id, basic_id)) {
			v = BAD_REQUEST;
			goto out;
		}
		id = basic_id;
		secret = basic_secret;
	}
	text_replace(&rq->note.client_id, id);
	*client = id ? grants_client(sb->grants, id) : NULL;
	v = check_secret(*client, secret);
 out:
	free(basic_id);
	free(basic_secret);
	return v;
}

/* The token endpoint. */

/* OpenID Connect Core 2, unsigned: the code flow over a direct connection allows it (3.1.3.7). */
static char *id_token(struct sandbox *sb, const struct issue *issue)
{
	static const char header[] = "{\"alg\":\"none\"}";
	json_int_t now = clock_ms() / 1000;
	json_t *claims = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s*}", "iss", sb->base, "sub", issue->user,
				   "email", issue->user, "aud", issue->client_id, "iat", now, "exp",
				   now + (json_int_t)issue->expires_in_s, "nonce", issue->nonce);
	char *text = json_dumps(claims, JSON_COMPACT);
	char *first = base64url(header, strlen(header));
	char *second = base64url(text, strlen(text));
	char *token = text_format("%s.%s.", first, second);

	json_decref(claims);
	free(text);
	free(first);
	free(second);
	return token;
}

static void grant_answer(struct sandbox *sb, struct reply *reply, const struct issue *issue)
{
	json_t *answer = json_pack("{s:s, s:s, s:I, s:s*, s:s}", "access_token", issue->access_token, "token_type",
				   "Bearer", "expires_in", (json_int_t)issue->expires_in_s, "refresh_token",
				   issue->refresh_token, "scope", issue->scope);

	if (issue->user && words_have(issue->scope, "openid", strlen("openid"))) {
		char *token = id_token(sb, issue);

		json_object_set_new(answer, "id_token", json_string(token));
		free(token);
	}
	reply_json(reply, 200, answer);
}

static enum verdict by_code(struct sandbox *sb, struct request *rq, const struct client *client,
			    struct issue *issue)
{
	const char *code = param(rq->form, "code");

	if (!code)
		return BAD_REQUEST;
	return grants_exchange(sb->grants, client->id, code, param(rq->form, "redirect_uri"),
			       param(rq->form, "code_verifier"), issue);
}

static enum verdict by_refresh_token(struct sandbox *sb, struct request *rq, const struct client *client,
				     struct issue *issue)
{
	const char *token = param(rq->form, "refresh_token");

	if (!token)
		return BAD_REQUEST;
	return grants_refresh(sb->grants, client->id, token, param(rq->form, "scope"), issue);
}

static enum verdict by_client_credentials(struct sandbox *sb, struct request *rq, const struct client *client,
					  struct issue *issue)
{
	if (!client->secret)
		return NOT_FOR_CLIENT;
	grants_client_credentials(sb->grants, client->id, param(rq->form, "scope"), issue);
	return GRANTED;
}

static enum verdict by_device_code(struct sandbox *sb, struct request *rq, const struct client *client,
				   struct issue *issue)
{
	const char *code = param(rq->form, "device_code");

	if (!code)
		return BAD_REQUEST;
	return grants_device_poll(sb->grants, client->id, code, issue);
}

static const struct grant_type {
	const char *name;
	enum verdict (*give)(struct sandbox *, struct request *, const struct client *, struct issue *);
} grant_types[] = {
	{ "authorization_code", by_code },
	{ "refresh_token", by_refresh_token },
	{ "client_credentials", by_client_credentials },
	{ "urn:ietf:params:oauth:grant-type:device_code", by_device_code },
};

static const struct grant_type *grant_type_named(const char *name)
{
	for (size_t i = 0; i < sizeof(grant_types) / sizeof(*grant_types); i++)
		if (!strcmp(grant_types[i].name, name))
			return &grant_types[i];
	return NULL;
}

static enum verdict give(struct sandbox *sb, struct request *rq, struct issue *issue)
{
	const char *name = param(rq->form, "grant_type");
	const struct grant_type *type = name ? grant_type_named(name) : NULL;
	const struct client *client = NULL;
	enum verdict v;

	if (rq->repeated)
		return BAD_REQUEST;
	v = authenticate(sb, rq, &client);
	if (v)
		return v;
	if (!type)
		return name ? BAD_GRANT_TYPE : BAD_REQUEST;
	return type->give(sb, rq, client, issue);
}

void rfc_token(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	struct issue issue = { 0 };
	enum verdict v = give(sb, rq, &issue);

	note_issue(rq, &issue);
	if (v)
		refuse(rq, reply, v, &issue);
	else
		grant_answer(sb, reply, &issue);
	issue_free(&issue);
}

/* The other endpoints. */

void rfc_revoke(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	const char *token = param(rq->form, "token");
	const struct client *client = NULL;
	enum verdict v = authenticate(sb, rq, &client);

	if (!v && !token)
		v = BAD_REQUEST;
	if (v) {
		refuse(rq, reply, v, NULL);
		return;
	}
	rq->note.outcome = grants_revoke(sb->grants, token, client->id) ? "ok" : "unknown_token";
	reply_json(reply, 200, json_object()); /* also for an unknown token (RFC 7009 2.2) */
}

void rfc_introspect(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	const char *token = param(rq->form, "token");
	const struct client *client = NULL;
	enum verdict v = authenticate(sb, rq, &client);
	struct token_info info;
	json_t *answer;

	if (v) {
		refuse(rq, reply, v, NULL);
		return;
	}
	if (grants_look(sb->grants, token, &info) && info.live && strstr(info.kind, "token")) {
		answer = json_pack("{s:b, s:s?, s:s?, s:s?, s:s}", "active", 1, "client_id", info.client_id, "sub",
				   info.user, "scope", info.scope, "token_type",
				   strcmp(info.kind, "access_token") ? info.kind : "Bearer");
		if (info.expires_ms)
			json_object_set_new(answer, "exp", json_integer(info.expires_ms / 1000));
	} else {
		answer = json_pack("{s:b}", "active", 0);
	}
	token_info_free(&info);
	reply_json(reply, 200, answer);
}

void rfc_device(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	const char *scope = param(rq->form, "scope");
	const struct client *client = NULL;
	enum verdict v = authenticate(sb, rq, &client);
	struct device device;
	char *page;
	char *whole;

	if (v) {
		refuse(rq, reply, v, NULL);
		return;
	}
	grants_device(sb->grants, client->id, scope, &device);
	page = text_format("%s/device", sb->base);
	whole = text_format("%s?user_code=%s", page, device.user_code);
	reply_json(reply, 200,
		   json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "device_code", device.device_code, "user_code",
			     device.user_code, "verification_uri", page, "verification_uri_complete", whole,
			     "expires_in", (json_int_t)device.expires_in_s, "interval",
			     (json_int_t)device.interval_s));
	free(page);
	free(whole);
	device_free(&device);
}

void rfc_userinfo(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	struct token_info info;

	if (bearer(sb, rq, "Bearer", &info) && info.user) {
		reply_json(reply, 200, json_pack("{s:s, s:s, s:s}", "sub", info.user, "email", info.user,
						 "preferred_username", info.user));
	} else {
		rq->note.outcome = "invalid_token";
		reply->challenge = "Bearer error=\"invalid_token\"";
		reply_json(reply, 401, json_pack("{s:s}", "error", "invalid_token"));
	}
	token_info_free(&info);
}

static void endpoint_url(json_t *metadata, struct sandbox *sb, const char *name, const char *path)
{
	char *url = text_format("%s%s", sb->base, path);

	json_object_set_new(metadata, name, json_string(url));
	free(url);
}

void rfc_metadata(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	json_t *metadata = json_pack(
		"{s:s, s:[s], s:[s], s:[s], s:[s,s,s], s:[s,s,s,s], s:[s,s], s:[s], s:b}", "issuer", sb->base,
		"response_types_supported", "code", "response_modes_supported", "query",
		"code_challenge_methods_supported", "S256", "token_endpoint_auth_methods_supported",
		"client_secret_basic", "client_secret_post", "none", "grant_types_supported", grant_types[0].name,
		grant_types[1].name, grant_types[2].name, grant_types[3].name, "scopes_supported", "openid", "api",
		"subject_types_supported", "public", "authorization_response_iss_parameter_supported", 1);

	(void)rq;
	endpoint_url(metadata, sb, "authorization_endpoint", "/authorize");
	endpoint_url(metadata, sb, "token_endpoint", "/token");
	endpoint_url(metadata, sb, "revocation_endpoint", "/revoke");
	endpoint_url(metadata, sb, "introspection_endpoint", "/introspect");
	endpoint_url(metadata, sb, "device_authorization_endpoint", "/device_authorization");
	endpoint_url(metadata, sb, "userinfo_endpoint", "/userinfo");
	json_object_set_new(metadata, "id_token_signing_alg_values_supported", json_pack("[s]", "none"));
	reply_json(reply, 200, metadata);
}
