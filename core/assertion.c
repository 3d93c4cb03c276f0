/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* assertion.c: a client's proof of itself, signed with its key (RFC 7523, private_key_jwt) or keyed with its
 * secret (client_secret_jwt), and digests. */
#include <config.h>

#include "assertion.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "secret.h"

#define ASSERTION_LIFE_S 120 /* more than one exchange takes, and some for clocks that differ */
#define COORDINATE 32        /* bytes of r and s in an ES256 signature */

/* What OpenSSL says last, for a message. */
static const char *openssl_words(void)
{
	const char *words = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return words ? words : "no reason given";
}

/*
 * Base64url without padding, and JSON strings.
 */

static char *base64url(const void *bytes, size_t size)
{
	char *text = malloc(4 * ((size + 2) / 3) + 1);

	if (!text)
		return NULL;
	EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
	for (char *p = text; *p; p++) {
		if (*p == '+')
			*p = '-';
		else if (*p == '/')
			*p = '_';
		else if (*p == '=')
			*p = '\0';
	}
	return text;
}

/* Quoted and escaped. NULL: out of memory. */
static char *json_string(const char *text)
{
	char *json = malloc(6 * strlen(text) + 3), *to = json;

	if (!json)
		return NULL;
	*to++ = '"';
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20) {
			to += snprintf(to, 7, "\\u%04x", c);
			continue;
		}
		if (c == '"' || c == '\\')
			*to++ = '\\';
		*to++ = *text;
	}
	*to++ = '"';
	*to = '\0';
	return json;
}

/*
 * Signatures. Each returns a malloc'ed signature as JWS wants it (RFC 7518), or NULL.
 */

static unsigned char *sign_hmac(const char *secret, const char *text, size_t *size)
{
	unsigned char *signature = malloc(EVP_MAX_MD_SIZE);
	unsigned int n = 0;

	if (!signature)
		return NULL;
	if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text, strlen(text), signature, &n)) {
		free(signature);
		return NULL;
	}
	*size = n;
	return signature;
}

static bool pad_pss(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static unsigned char *sign_key(EVP_PKEY *key, const char *text, size_t *size)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL;
	unsigned char *signature = NULL;
	size_t n = 0;
	bool fine;

	fine = md && EVP_DigestSignInit(md, &ctx, EVP_sha256(), NULL, key) == 1;
	fine = fine && (EVP_PKEY_base_id(key) != EVP_PKEY_RSA_PSS || pad_pss(ctx));
	fine = fine && EVP_DigestSign(md, NULL, &n, (const unsigned char *)text, strlen(text)) == 1;
	signature = fine ? malloc(n) : NULL;
	fine = signature && EVP_DigestSign(md, signature, &n, (const unsigned char *)text, strlen(text)) == 1;
	EVP_MD_CTX_free(md);
	if (!fine) {
		free(signature);
		return NULL;
	}
	*size = n;
	return signature;
}

/* JWS has r and s side by side where OpenSSL gives DER. */
static unsigned char *flatten_ecdsa(unsigned char *der, size_t *size)
{
	const unsigned char *p = der;
	ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &p, (long)*size);
	unsigned char *flat = parsed ? malloc(2 * COORDINATE) : NULL;
	const BIGNUM *r, *s;

	if (flat) {
		ECDSA_SIG_get0(parsed, &r, &s);
		BN_bn2binpad(r, flat, COORDINATE);
		BN_bn2binpad(s, flat + COORDINATE, COORDINATE);
		*size = 2 * COORDINATE;
	}
	ECDSA_SIG_free(parsed);
	free(der);
	return flat;
}

static unsigned char *sign(EVP_PKEY *key, const char *secret, const char *text, size_t *size)
{
	unsigned char *signature;

	if (!key)
		return sign_hmac(secret, text, size);
	signature = sign_key(key, text, size);
	if (signature && EVP_PKEY_base_id(key) == EVP_PKEY_EC)
		signature = flatten_ecdsa(signature, size);
	return signature;
}

/* The name of the algorithm for a key; NULL: none of those that we have. */
static const char *algorithm(EVP_PKEY *key)
{
	static const struct {
		int kind, bits; /* 0: any */
		const char *name;
	} algorithms[] = {
		{ EVP_PKEY_RSA,     0,   "RS256" },
		{ EVP_PKEY_RSA_PSS, 0,   "PS256" },
		{ EVP_PKEY_EC,      256, "ES256" },
	};

	if (!key)
		return "HS256";
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++)
		if (algorithms[i].kind == EVP_PKEY_base_id(key) &&
		    (!algorithms[i].bits || algorithms[i].bits == EVP_PKEY_bits(key)))
			return algorithms[i].name;
	return NULL;
}

/*
 * The key.
 */

/* OpenSSL would ask for the pass phrase on a terminal. */
static int no_pass_phrase(char *buffer, int size, int writing, void *data)
{
	return -1;
}

static int check_file(FILE *file, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fileno(file), &st))
		return error_set(err, TOKEEP_ECONFIG, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(err, TOKEEP_ECONFIG, "%s: is no file", path);
	if (st.st_mode & 07)
		return error_set(err, TOKEEP_ECONFIG, "%s: everybody may read this key; run: chmod 600 %s", path, path);
	return 0;
}

static int read_key(const char *path, EVP_PKEY **key, struct error *err)
{
	FILE *file = fopen(path, "re");
	EVP_PKEY *found;
	int r;

	if (!file)
		return error_set(err, TOKEEP_ECONFIG, "%s: the client's key can't be read: %s", path, strerror(errno));
	r = check_file(file, path, err);
	if (r) {
		fclose(file);
		return r;
	}
	ERR_clear_error();
	found = PEM_read_PrivateKey(file, NULL, no_pass_phrase, NULL);
	fclose(file);
	if (!found)
		return error_set(err, TOKEEP_ECONFIG, "%s: no private key in PEM without a pass phrase: %s", path,
				 openssl_words());
	if (!algorithm(found)) {
		EVP_PKEY_free(found);
		return error_set(err, TOKEEP_ECONFIG, "%s: the key is neither RSA nor EC on P-256, which RS256, PS256 "
				 "and ES256 need", path);
	}
	*key = found;
	return 0;
}

/*
 * The token.
 */

static int random_id(char id[33], struct error *err)
{
	unsigned char bytes[16];

	if (secret_random(bytes, sizeof(bytes)))
		return error_set(err, TOKEEP_EINTERNAL, "random bytes: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static char *make_header(EVP_PKEY *key, const char *key_id)
{
	char *id = key_id ? json_string(key_id) : NULL, *header = NULL;

	if (key_id && !id)
		return NULL;
	if (asprintf(&header, "{\"alg\":\"%s\",\"typ\":\"JWT\"%s%s}", algorithm(key), id ? ",\"kid\":" : "",
		     id ? id : "") < 0)
		header = NULL;
	free(id);
	return header;
}

static char *make_claims(const char *client_id, const char *audience, const char *id, int64_t now_s)
{
	char *subject = json_string(client_id), *for_whom = json_string(audience), *claims = NULL;

	if (subject && for_whom &&
	    asprintf(&claims,
		     "{\"iss\":%s,\"sub\":%s,\"aud\":%s,\"jti\":\"%s\",\"iat\":%" PRId64 ",\"exp\":%" PRId64 "}",
		     subject, subject, for_whom, id, now_s, now_s + ASSERTION_LIFE_S) < 0)
		claims = NULL;
	free(subject);
	free(for_whom);
	return claims;
}

/* HEADER.CLAIMS in base64url; NULL: out of memory. */
static char *join(const char *header, const char *claims)
{
	char *left = header ? base64url(header, strlen(header)) : NULL;
	char *right = claims ? base64url(claims, strlen(claims)) : NULL;
	char *joined = NULL;

	if (left && right && asprintf(&joined, "%s.%s", left, right) < 0)
		joined = NULL;
	free(left);
	free(right);
	return joined;
}

static int finish(EVP_PKEY *key, const char *secret, const char *text, char **jwt, struct error *err)
{
	unsigned char *signature;
	char *encoded;
	size_t size = 0;
	int r;

	ERR_clear_error();
	signature = sign(key, secret, text, &size);
	if (!signature)
		return error_set(err, TOKEEP_EINTERNAL, "client assertion: can't be signed: %s", openssl_words());
	encoded = base64url(signature, size);
	r = encoded ? asprintf(jwt, "%s.%s", text, encoded) : -1;
	free(encoded);
	free(signature);
	return r < 0 ? error_nomem(err) : 0;
}

int assertion_make(const char *client_id, const char *audience, const char *key_file, const char *key_id,
		   const char *secret, int64_t now_ms, char **jwt, struct error *err)
{
	EVP_PKEY *key = NULL;
	char id[33], *header = NULL, *claims = NULL, *text = NULL;
	int r = 0;

	if (key_file)
		r = read_key(key_file, &key, err);
	if (r)
		return r;
	r = random_id(id, err);
	if (r)
		goto out;
	header = make_header(key, key_id);
	claims = make_claims(client_id, audience, id, now_ms / 1000);
	text = join(header, claims);
	r = text ? finish(key, secret, text, jwt, err) : error_nomem(err);
 out:
	free(header);
	free(claims);
	free(text);
	EVP_PKEY_free(key);
	return r;
}

int assertion_challenge(const char *verifier, char **challenge, struct error *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;

	ERR_clear_error();
	if (EVP_Digest(verifier, strlen(verifier), digest, &size, EVP_sha256(), NULL) != 1)
		return error_set(err, TOKEEP_EINTERNAL, "SHA-256: %s", openssl_words());
	*challenge = base64url(digest, size);
	return *challenge ? 0 : error_nomem(err);
}

int assertion_digest(const char *value, char hex[TRANSPORT_DIGEST_SIZE], struct error *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;

	ERR_clear_error();
	if (EVP_Digest(value, strlen(value), digest, &size, EVP_sha256(), NULL) != 1)
		return error_set(err, TOKEEP_EINTERNAL, "SHA-256: %s", openssl_words());
	for (size_t i = 0; i < (TRANSPORT_DIGEST_SIZE - 1) / 2; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return 0;
}
