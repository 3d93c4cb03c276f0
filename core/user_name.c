/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* user_name.c: whose token is it? From the id_token that came with it, else from the provider's userinfo. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "oauth.h"
#include "secret.h"

#define USERINFO_MAX (64 << 10)
#define CONNECT_TIMEOUT_MS 10000

static char *name_in(const struct answer *answer)
{
	static const char *const members[] = { "email", "Email", "preferred_username", "sub" };

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		const char *value = answer_string(answer, members[i]);

		if (value && !token_refusal(value))
			return strdup(value);
	}
	return NULL;
}

static int base64url_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* The claims of a JWT. It came from the token endpoint over TLS, so its signature tells nothing more (OpenID Connect
 * Core, 3.1.3.7); it only names the account. NULL: no JWT. Caller frees. */
static char *claims(const char *jwt, size_t *size)
{
	const char *from = strchr(jwt, '.'), *end = from ? strchr(from + 1, '.') : NULL;
	unsigned int bits = 0, have = 0;
	char *text;

	if (!end)
		return NULL;
	text = malloc(end - from);
	*size = 0;
	for (from++; text && from < end; from++) {
		int value = base64url_value(*from);

		if (value < 0)
			break;
		bits = bits << 6 | value;
		have += 6;
		if (have >= 8)
			text[(*size)++] = bits >> (have -= 8);
	}
	if (text && from < end) {
		free(text);
		text = NULL;
	}
	return text;
}

static char *from_id_token(const char *id_token)
{
	struct error ignored = { .retry_after_s = -1 };
	struct answer *answer = NULL;
	size_t size;
	char *text = id_token ? claims(id_token, &size) : NULL, *name = NULL;

	if (text && !answer_read_json(text, size, &answer, &ignored))
		name = name_in(answer);
	answer_free(answer);
	if (text)
		secret_free_size(text, size);
	error_clear(&ignored);
	return name;
}

static int ask_userinfo(const struct client *client, const struct conf *conf, const char *access_token,
			int64_t timeout_ms, struct http_response *response, struct error *err)
{
	char *authorization;
	int r;

	if (asprintf(&authorization, "Authorization: %s %s", client->header, access_token) < 0)
		return error_nomem(err);
	r = http_send(&(struct http_request){
			      .method = "GET", .url = client->userinfo_url,
			      .headers = (const char *const[]){ authorization, "Accept: application/json", NULL },
			      .proxy = conf->proxy, .ca_file = conf->ca_file, .ca_path = conf->ca_path,
			      .tls_cert_file = client->tls_cert_file, .tls_key_file = client->tls_key_file,
			      .timeout_ms = timeout_ms, .connect_timeout_ms = CONNECT_TIMEOUT_MS,
			      .size_max = USERINFO_MAX },
		      response, err);
	secret_free(authorization);
	if (!r && response->status != 200)
		r = error_set(err, TOKEEP_EREPLY, "%s: answered with status %ld", client->userinfo_url, response->status);
	return r;
}

int oauth_user_name(const struct client *client, const struct conf *conf, const struct oauth_result *result,
		    const char *access_token, int64_t timeout_ms, char **name, struct error *err)
{
	struct http_response response = { .status = 0 };
	struct answer *answer = NULL;
	int r;

	*name = from_id_token(result->id_token);
	if (*name || !client->userinfo_url || !access_token)
		return 0;
	r = ask_userinfo(client, conf, access_token, timeout_ms, &response, err);
	if (!r)
		r = answer_read(&response, &answer, err);
	if (!r)
		*name = name_in(answer);
	answer_free(answer);
	http_response_free(&response);
	return r;
}
