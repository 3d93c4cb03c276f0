/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* login.h: what the ways to log in have in common. */
#ifndef TOKEEP_CORE_LOGIN_H
#define TOKEEP_CORE_LOGIN_H

#include "flow.h"

/* One way to log in: what is presented and how. */
struct login {
	int (*ask)(const struct exchange *, const struct oauth_net *, struct oauth_result *);
	const char *secret;        /* the code, the refresh token, the device code; NULL: client credentials */
	const char *grant_type;    /* as the record has it */
	const char *redirect_url;  /* NULL: none */
	const char *code_verifier; /* NULL: no PKCE */
	bool keeps_refresh_token;  /* `secret` is one, and stays where the answer brings none */
	bool keeps_code;           /* Zoho's SDKs keep the code, too */
};

/* Asks, and saves what comes. `token` may hold user_name and scope, and is the saved record afterwards. */
int login_run(const struct flow *flow, struct client *client, const struct login *login,
	      struct tokeep_token *token);
/* Could what comes of it be kept? To be asked before a person is troubled. */
int login_prove(const struct flow *flow, struct client *client, const struct login *login,
		const struct tokeep_token *token);
int login_with_code(const struct flow *flow, struct client *client, const char *code, const char *redirect_url,
		    const char *code_verifier, struct tokeep_token *token);

/* callback.c: the parameters of an authorization response (RFC 6749, 4.1.2; RFC 9207; Zoho's location). */
struct callback {
	char *code, *state, *iss, *error, *error_description, *location, *accounts_server; /* NULL: not there */
};
/* A whole callback URL, or its query. A parameter that comes twice is refused (RFC 6749, 3.1). TOKEEP_EINVAL. */
int callback_read(const char *url, struct callback *callback, struct error *err);
void callback_free(struct callback *callback); /* wipes */
/* The code of a callback, exchanged at the data centre it names. `client` may become another one. */
int login_with_callback(const struct flow *flow, struct client **client, const struct callback *callback,
			const char *redirect_url, const char *code_verifier, struct tokeep_token *token);
/* What the provider refused the login with: TOKEEP_ELOGIN, ECLIENT, ELATER; 0: it did not. */
int callback_refusal(const struct callback *callback, const struct client *client, struct error *err);
/* Zoho: where the user's account lives, if that is a data centre we know: its name; NULL: the client's own. A server that is
 * not known is refused: the client's secret would be sent there. */
int callback_data_center(const struct callback *callback, const struct client *client, const char **name,
			 struct error *err);
#endif
