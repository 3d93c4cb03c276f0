/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* assertion.h: a client's proof of itself (RFC 7523), and digests. The members of struct transport that need
 * cryptography; transport.h says what they do. */
#ifndef TOKEEP_CORE_ASSERTION_H
#define TOKEEP_CORE_ASSERTION_H

#include "transport.h"

int assertion_make(const char *client_id, const char *audience, const char *key_file, const char *key_id,
		   const char *secret, int64_t now_ms, char **jwt, struct error *err);
int assertion_challenge(const char *verifier, char **challenge, struct error *err);
int assertion_digest(const char *value, char hex[TRANSPORT_DIGEST_SIZE], struct error *err);
#endif
