/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* digest.h: SHA-256 and random text; the one place that knows libcrypto. */
#ifndef SANDBOX_DIGEST_H
#define SANDBOX_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

/* The first 16 hex digits of the SHA-256, which stand for a token in the log and in the state. */
struct digest {
	char hex[17]; /* "": no token */
};
struct digest digest_of(const char *token); /* NULL: "" */

char *digest_s256(const char *verifier); /* PKCE: base64url without padding */
char *base64url(const void *data, size_t length);
char *random_hex(size_t bytes);
bool secret_same(const char *a, const char *b); /* in constant time */
#endif
