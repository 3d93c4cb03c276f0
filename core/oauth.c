/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* oauth.c: requests to a token endpoint, and how a client proves itself there (RFC 6749, 2.3; RFC 7523). */
#include <config.h>

#include "oauth.h"

#include <stdlib.h>
#include <string.h>

#include "secret.h"

#define ANSWER_MAX (1024u * 1024)
#define CONNECT_TIMEOUT_MS 10000
#define JWT_BEARER "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/* How this request proves who sends it. */
struct proof {
	char *user, *password; /* HTTP Basic; NULL: in the body */
};

static void proof_free(struct proof *proof)
{
	secret_free(proof->user);
	secret_free(proof->password);
}

static const char *client_label(const struct client *client)
{
	return client->name ? client->name : client->client_id ? client->client_id : "(no client_id)";
}

static bool offers(const struct client *client, enum client_auth auth)
{
	return client->auth_offered & 1u << auth;
}

/* As configured; else what the server's metadata offers; else what most servers take. */
static enum client_auth auth_of(const struct client *client, const char *secret)
{
	static const enum client_auth preferred[] = { AUTH_BASIC, AUTH_POST, AUTH_CLIENT_SECRET_JWT };

	if (client->auth != AUTH_DEFAULT)
		return client->auth;
	if (!secret)
		return client->key_file && offers(client, AUTH_PRIVATE_KEY_JWT) ? AUTH_PRIVATE_KEY_JWT : AUTH_NONE;
	for (size_t i = 0; i < sizeof(preferred) / sizeof(*preferred); i++)
		if (offers(client, preferred[i]))
			return preferred[i];
	return client->dialect == DIALECT_ZOHO ? AUTH_POST : AUTH_BASIC;
}

static int lacks(const struct client *client, const char *key, const char *why, struct error *err)
{
	if (client->group)
		return error_set(err, TOKEEP_ECONFIG, "%s:%d: clients.%s: %s is missing: %s", client->group->file,
				 client->group->line, client_label(client), key, why);
	return error_set(err, TOKEEP_ECONFIG, "client %s: %s is missing: %s", client_label(client), key, why);
}

static int prove_basic(const struct client *client, const char *secret, struct proof *proof, struct error *err)
{
	proof->user = form_encode(client->client_id);
	proof->password = form_encode(secret);
	return proof->user && proof->password ? 0 : error_nomem(err);
}

/* The audience is the token endpoint at every endpoint of the server: RFC 7523, 3. */
static int prove_jwt(const struct client *client, const struct oauth_net *net, const char *url, const char *secret,
		     struct form *form, struct error *err)
{
	const char *audience = client->token_url ? client->token_url : url;
	const struct transport *transport;
	char *jwt = NULL;
	int r;

	r = http_transport(&transport, err);
	if (r)
		return r;
	r = transport->assertion(client->client_id, audience, secret ? NULL : client->key_file, client->key_id, secret,
				 net->now_ms, &jwt, err);
	if (r)
		return r;
	form_add(form, "client_id", client->client_id);
	form_add(form, "client_assertion_type", JWT_BEARER);
	form_add(form, "client_assertion", jwt);
	secret_free(jwt);
	return 0;
}

/* What each way of client_auth needs, as its name in tokeep.conf(5) for the message. */
static const struct {
	const char *name;
	bool secret, key;
} ways[] = {
	[AUTH_NONE]              = { "none",              false, false },
	[AUTH_BASIC]             = { "basic",             true,  false },
	[AUTH_POST]              = { "post",              true,  false },
	[AUTH_PRIVATE_KEY_JWT]   = { "private_key_jwt",   false, true  },
	[AUTH_CLIENT_SECRET_JWT] = { "client_secret_jwt", true,  false },
};

static int lacks_for_auth(const struct client *client, const char *key, enum client_auth auth, struct error *err)
{
	int r = lacks(client, key, "client_auth needs it", err);

	error_add(err, " (%s)", ways[auth].name);
	return r;
}

static int prove(struct client *client, const struct oauth_net *net, const char *url, struct form *form,
		 struct proof *proof, struct error *err)
{
	const char *secret = NULL;
	enum client_auth auth;
	int r;

	if (!client->client_id)
		return lacks(client, "client_id", "every request names it", err);
	r = client_secret(client, &secret, err);
	if (r)
		return r;
	auth = auth_of(client, secret);
	if (ways[auth].secret && !secret)
		return lacks_for_auth(client, "client_secret", auth, err);
	if (ways[auth].key && !client->key_file)
		return lacks_for_auth(client, "key_file", auth, err);
	if (auth == AUTH_BASIC)
		return prove_basic(client, secret, proof, err);
	if (auth == AUTH_PRIVATE_KEY_JWT || auth == AUTH_CLIENT_SECRET_JWT)
		return prove_jwt(client, net, url, auth == AUTH_CLIENT_SECRET_JWT ? secret : NULL, form, err);
	form_add(form, "client_id", client->client_id);
	form_add(form, "client_secret", auth == AUTH_POST ? secret : NULL);
	return 0;
}

static int post(const struct client *client, const struct oauth_net *net, const char *url, const struct form *form,
		const struct proof *proof, struct http_response *response, struct error *err)
{
	static const char *const headers[] = { "Accept: application/json", NULL };
	const struct http_request request = {
		.method = "POST",
		.url = url,
		.headers = headers,
		.body = form->text,
		.body_size = form->size,
		.content_type = "application/x-www-form-urlencoded",
		.user = proof->user,
		.password = proof->password,
		.proxy = net->conf ? net->conf->proxy : NULL,
		.ca_file = net->conf ? net->conf->ca_file : NULL,
		.ca_path = net->conf ? net->conf->ca_path : NULL,
		.tls_cert_file = client->tls_cert_file,
		.tls_key_file = client->tls_key_file,
		.timeout_ms = net->timeout_ms,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.size_max = ANSWER_MAX,
	};

	return http_send(&request, response, err);
}

/* Neither consumes nor frees the form. */
static int send_form(struct client *client, const struct oauth_net *net, const char *url, struct form *form,
		     struct http_response *response, struct error *err)
{
	struct proof proof = { NULL, NULL };
	int r;

	memset(response, 0, sizeof(*response));
	response->retry_after_s = -1;
	r = prove(client, net, url, form, &proof, err);
	if (!r && form->failed)
		r = error_nomem(err);
	if (!r)
		r = post(client, net, url, form, &proof, response, err);
	proof_free(&proof);
	return r;
}

/*
 * A server may repeat in its words what it was sent. No secret of the request may come back in a message, nor in
 * the error that is stored as a record's status.
 */

struct texts {
	char *message, *error;
};

static void mask(char *text, const char *secret, size_t size)
{
	while (text && size >= 4 && (text = strstr(text, secret)))
		memset(text, '*', size);
}

static int mask_value(void *data, const char *name, size_t name_size, const char *value, size_t value_size)
{
	static const char *const secrets[] = { "refresh_token", "code", "code_verifier", "device_code", "token",
					       "client_secret", "client_assertion" };
	const struct texts *texts = data;

	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++) {
		if (strcmp(name, secrets[i]))
			continue;
		mask(texts->message, value, value_size);
		mask(texts->error, value, value_size);
	}
	return 0;
}

static void mask_secrets(const struct client *client, const struct form *form, struct oauth_result *result,
			 struct error *err)
{
	struct texts texts = { err->text, result->error };

	if (form->text)
		form_decode(form->text, form->size, mask_value, &texts);
	if (client->secret) {
		mask(texts.message, client->secret, strlen(client->secret));
		mask(texts.error, client->secret, strlen(client->secret));
	}
}

static int no_url(const struct client *client, struct form *form, struct error *err)
{
	form_free(form);
	return lacks(client, "token_url", "neither the client nor its provider has it, nor an issuer that says",
		     err);
}

int oauth_ask(struct client *client, const struct oauth_net *net, const char *url, struct form *form,
	      enum oauth_step step, struct http_response *response, struct oauth_result *result, struct error *err)
{
	int r;

	memset(result, 0, sizeof(*result));
	memset(response, 0, sizeof(*response));
	if (!url)
		return no_url(client, form, err);
	r = send_form(client, net, url, form, response, err);
	result->sent = response->sent;
	if (!r)
		r = oauth_error(client, step, url, response, result, err);
	if (r)
		mask_secrets(client, form, result, err);
	form_free(form);
	return r;
}

int oauth_token(struct client *client, const struct oauth_net *net, const char *url, struct form *form,
		enum oauth_step step, struct oauth_result *result, struct error *err)
{
	struct http_response response;
	int r;

	memset(result, 0, sizeof(*result));
	if (!url)
		return no_url(client, form, err);
	r = send_form(client, net, url, form, &response, err);
	result->sent = response.sent;
	if (!r)
		r = oauth_answer(client, step, url, &response, net->now_ms, result, err);
	if (r)
		mask_secrets(client, form, result, err);
	http_response_free(&response);
	form_free(form);
	return r;
}

int oauth_refresh(struct client *client, const struct oauth_net *net, const char *refresh_token, const char *scope,
		  struct oauth_result *result, struct error *err)
{
	struct form form = { NULL, 0, 0, false };

	form_add(&form, "grant_type", "refresh_token");
	form_add(&form, "refresh_token", refresh_token);
	form_add(&form, "scope", scope);
	return oauth_token(client, net, client->token_url, &form, OAUTH_REFRESH, result, err);
}

int oauth_exchange(struct client *client, const struct oauth_net *net, const char *code, const char *redirect_url,
		   const char *code_verifier, struct oauth_result *result, struct error *err)
{
	struct form form = { NULL, 0, 0, false };

	form_add(&form, "grant_type", "authorization_code");
	form_add(&form, "code", code);
	form_add(&form, "redirect_uri", redirect_url);
	form_add(&form, "code_verifier", code_verifier);
	return oauth_token(client, net, client->token_url, &form, OAUTH_EXCHANGE, result, err);
}

int oauth_client_credentials(struct client *client, const struct oauth_net *net, const char *scope,
			     struct oauth_result *result, struct error *err)
{
	struct form form = { NULL, 0, 0, false };

	form_add(&form, "grant_type", "client_credentials");
	form_add(&form, "scope", scope);
	form_add(&form, "soid", client->soid);
	return oauth_token(client, net, client->token_url, &form, OAUTH_CREDENTIALS, result, err);
}

void oauth_result_free(struct oauth_result *result)
{
	token_clear(&result->token);
	secret_free(result->id_token);
	free(result->error);
	free(result->user_location);
	memset(result, 0, sizeof(*result));
}
