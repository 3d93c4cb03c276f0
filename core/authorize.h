/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* authorize.h: one pending authorization request (RFC 6749, 4.1.1; RFC 7636; RFC 9207): its URL, and whether a callback is its. */
#ifndef TOKEEP_CORE_AUTHORIZE_H
#define TOKEEP_CORE_AUTHORIZE_H

#include "login.h"

struct authorization {
	char *state;         /* 256 bits, base64url */
	char *code_verifier; /* likewise */
	char *redirect_url;
	char *url;           /* for the browser */
};

/* New state and verifier for each. `scope` NULL: the client's. The client's endpoints are known (flow_discover).
 * TOKEEP_ECONFIG: it has no authorization_url, or its server lacks S256 (RFC 9700, 2.1.1). */
int authorization_new(const struct flow *flow, const struct client *client, const char *scope,
		      const char *redirect_url, struct authorization *authorization);
void authorization_free(struct authorization *authorization); /* wipes */

/* 0: the callback answers this request. TOKEEP_EINVAL: it does not (state; iss of another server, or none though it was
 * announced): nothing of it may be used, and the right one may still come. */
int authorization_check(const struct authorization *authorization, const struct client *client,
			const struct callback *callback, struct error *err);
#endif
