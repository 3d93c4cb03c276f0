/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * oauth.h: requests to an authorization server and what its answers mean (RFC 6749, 7009, 8628; Zoho's
 * dialect). Sends once and never retries: flow.c decides that. answer.c alone knows jansson.
 */
#ifndef TOKEEP_CORE_OAUTH_H
#define TOKEEP_CORE_OAUTH_H

#include "provider.h"
#include "transport.h"

/* What an exchange came to. */
struct oauth_result {
	struct tokeep_token token; /* access_token, refresh_token, expiry_time, scope, token_type, api_domain as the answer
				      gave them; absent where it did not */
	char *id_token;            /* NULL */
	char *error;               /* the server's `error`, cleaned: "invalid_grant"; NULL */
	bool sent;                 /* the request may have reached the server */
	bool throttled;            /* Zoho: too many requests */
};
void oauth_result_free(struct oauth_result *result); /* wipes */

struct oauth_net {
	const struct conf *conf; /* proxy, CA */
	int64_t timeout_ms;      /* left for this exchange */
	int64_t now_ms;          /* the time before the send, from which expiry counts */
};

/* Results: 0, TOKEEP_ELOGIN (invalid_grant, Zoho's invalid_code: the grant is dead), ETRANSPORT, ELATER (429, 5xx,
 * throttled), EREPLY (no token answer; result->token.refresh_token is set where it carries a well-formed new one),
 * ECLIENT (client id, secret, redirect, scope; any other OAuth error). `result` may be filled on failure, too. */
int oauth_refresh(struct client *client, const struct oauth_net *net, const char *refresh_token, const char *scope,
		  struct oauth_result *result, struct error *err);
int oauth_exchange(struct client *client, const struct oauth_net *net, const char *code, const char *redirect_url,
		   const char *code_verifier, struct oauth_result *result, struct error *err);
int oauth_client_credentials(struct client *client, const struct oauth_net *net, const char *scope,
			     struct oauth_result *result, struct error *err);

/* answer.c: the body of a token endpoint's answer. */
int answer_token(const struct client *client, const struct http_response *response, int64_t now_ms,
		 struct oauth_result *result, struct error *err);
#endif
