/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* digest.c: SHA-256, base64url and random text by libcrypto. */
#include "config.h"

#include "digest.h"
#include "text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void sha256(const char *text, unsigned char out[32])
{
	if (EVP_Digest(text, strlen(text), out, NULL, EVP_sha256(), NULL) != 1)
		abort();
}

static void hex(const unsigned char *data, size_t length, char *out)
{
	for (size_t i = 0; i < length; i++)
		snprintf(out + 2 * i, 3, "%02x", data[i]);
}

struct digest digest_of(const char *token)
{
	unsigned char sum[32];
	struct digest digest = { "" };

	if (token) {
		sha256(token, sum);
		hex(sum, 8, digest.hex);
	}
	return digest;
}

char *base64url(const void *data, size_t length)
{
	char *text = memory((length + 2) / 3 * 4 + 1);
	size_t n = (size_t)EVP_EncodeBlock((unsigned char *)text, data, (int)length);

	while (n && text[n - 1] == '=')
		text[--n] = '\0';
	for (char *c = text; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	return text;
}

char *digest_s256(const char *verifier)
{
	unsigned char sum[32];

	sha256(verifier, sum);
	return base64url(sum, sizeof(sum));
}

char *random_hex(size_t bytes)
{
	unsigned char *data = memory(bytes);
	char *text = memory(2 * bytes + 1);

	if (RAND_bytes(data, (int)bytes) != 1)
		abort();
	hex(data, bytes, text);
	free(data);
	return text;
}

bool secret_same(const char *a, const char *b)
{
	size_t n = strlen(a);

	return n == strlen(b) && !CRYPTO_memcmp(a, b, n);
}
