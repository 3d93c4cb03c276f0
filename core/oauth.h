/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * oauth.h: requests to an authorization server and what its answers mean (RFC 6749, 7009, 8628; Zoho's
 * dialect). Sends once and never retries: exchange.c decides that.
 */
#ifndef TOKEEP_CORE_OAUTH_H
#define TOKEEP_CORE_OAUTH_H

#include "form.h"
#include "provider.h"
#include "transport.h"

/* What an exchange came to. */
struct oauth_result {
	struct tokeep_token token; /* access_token, refresh_token, expiry_time, scope, token_type, api_domain as the answer
				      gave them; absent where it did not */
	char *id_token;            /* NULL */
	char *error;               /* the server's `error`, cleaned: "invalid_grant"; NULL */
	char *user_location;       /* Zoho's other_dc: the data centre it names, cleaned; NULL */
	bool sent;                 /* the request may have reached the server */
	bool throttled;            /* Zoho: too many requests */
};
void oauth_result_free(struct oauth_result *result); /* wipes */

struct oauth_net {
	const struct conf *conf; /* proxy, CA */
	int64_t timeout_ms;      /* left for this exchange */
	int64_t now_ms;          /* the time before the send, from which expiry counts */
};

/* What was asked for: a refusal means different things. */
enum oauth_step { OAUTH_REFRESH, OAUTH_EXCHANGE, OAUTH_CREDENTIALS, OAUTH_DEVICE };

/* Results: 0, TOKEEP_ELOGIN (invalid_grant, Zoho's invalid_code: the grant is dead; a login refused or expired),
 * ETRANSPORT, ELATER (429, 5xx, throttled; a device login still pending), EREPLY (no token answer;
 * result->token.refresh_token is set where it carries a well-formed new one), ECLIENT (client id, secret, redirect, scope;
 * any other OAuth error), ECONFIG (nothing could be sent). err->retry_after_s is set where the server said how long.
 * `result` is overwritten unread, may be filled on failure, too, and is to be freed in any case. */
int oauth_refresh(struct client *client, const struct oauth_net *net, const char *refresh_token, const char *scope,
		  struct oauth_result *result, struct error *err);
int oauth_exchange(struct client *client, const struct oauth_net *net, const char *code, const char *redirect_url,
		   const char *code_verifier, struct oauth_result *result, struct error *err);
int oauth_client_credentials(struct client *client, const struct oauth_net *net, const char *scope,
			     struct oauth_result *result, struct error *err);
/* Any other request that ends in a token, such as a poll of the device flow: `form` has its parameters and is
 * freed. */
int oauth_token(struct client *client, const struct oauth_net *net, const char *url, struct form *form,
		enum oauth_step step, struct oauth_result *result, struct error *err);

/* Posts a form to another endpoint of the server (revocation, device authorization), client authentication added, and
 * frees the form. 0: a 2xx answer that is no OAuth error; read it with answer_read(). Else as above. `response` and
 * `result` are to be freed in any case. */
int oauth_ask(struct client *client, const struct oauth_net *net, const char *url, struct form *form,
	      enum oauth_step step, struct http_response *response, struct oauth_result *result, struct error *err);

/* oauth_answer.c: what a token endpoint's answer means. `url` is for messages. */
int oauth_answer(const struct client *client, enum oauth_step step, const char *url,
		 const struct http_response *response, int64_t now_ms, struct oauth_result *result, struct error *err);
/* The same of an endpoint that gives no token: 0 for a 2xx answer that is no OAuth error. */
int oauth_error(const struct client *client, enum oauth_step step, const char *url,
		const struct http_response *response, struct oauth_result *result, struct error *err);

/* discovery.c: the endpoints of a client that has an issuer and no token_url, from the issuer's metadata (RFC 8414, OpenID
 * Connect Discovery), which is kept under STATE_DIR/metadata for a day. Others are left as they are. */
int discovery_complete(struct client *client, const struct oauth_net *net, const struct log *log, struct error *err);

/* user_name.c: whose token it is: from the id_token, else from userinfo (email, preferred_username, sub; Zoho's Email). *name NULL
 * and 0: the provider doesn't say. Caller frees. */
int oauth_user_name(const struct client *client, const struct conf *conf, const struct oauth_result *result,
		    const char *access_token, int64_t timeout_ms, char **name, struct error *err);
#endif
