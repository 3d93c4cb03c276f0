/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * discovery.c: where an issuer's endpoints are (RFC 8414; OpenID Connect Discovery 1.0).
 *
 * The document counts only if the issuer it names is the one that was asked, to the letter. It is kept for a day, so
 * that a refresh costs one request, and longer where the server can't be reached.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "oauth.h"
#include "secret.h"
#include "statedir.h"

#define METADATA_MAX (256 << 10)
#define CONNECT_TIMEOUT_MS 10000
#define KEPT_MS (24 * 60 * 60 * INT64_C(1000))

/* The members that are endpoints, and where the client has them. */
static const struct {
	const char *member;
	size_t offset;
} endpoints[] = {
	{ "authorization_endpoint",        offsetof(struct client, authorization_url) },
	{ "token_endpoint",                offsetof(struct client, token_url) },
	{ "revocation_endpoint",           offsetof(struct client, revocation_url) },
	{ "device_authorization_endpoint", offsetof(struct client, device_authorization_url) },
	{ "userinfo_endpoint",             offsetof(struct client, userinfo_url) },
};
#define ENDPOINTS (sizeof(endpoints) / sizeof(*endpoints))

static const struct {
	const char *name;
	enum client_auth auth;
} methods[] = {
	{ "none",                AUTH_NONE },
	{ "client_secret_basic", AUTH_BASIC },
	{ "client_secret_post",  AUTH_POST },
	{ "private_key_jwt",     AUTH_PRIVATE_KEY_JWT },
	{ "client_secret_jwt",   AUTH_CLIENT_SECRET_JWT },
};

/* What was read of a document, before any of it counts. */
struct metadata {
	char *url[ENDPOINTS];
	unsigned int auth_offered;
	bool iss_announced, pkce_lacking;
	int64_t fetched_ms;
};

static void metadata_free(struct metadata *metadata)
{
	for (size_t i = 0; i < ENDPOINTS; i++)
		free(metadata->url[i]);
	*metadata = (struct metadata){ .fetched_ms = 0 };
}

/*
 * The document
 */

static int take_endpoints(struct metadata *metadata, const struct answer *answer, const char *issuer,
			  struct error *err)
{
	for (size_t i = 0; i < ENDPOINTS; i++) {
		const char *url = answer_string(answer, endpoints[i].member);
		const char *why = url ? http_url_refusal(url) : NULL;

		if (why)
			return error_set(err, TOKEEP_EREPLY, "%s: the metadata's %s is refused: %s", issuer,
					 endpoints[i].member, why);
		metadata->url[i] = url ? strdup(url) : NULL;
		if (url && !metadata->url[i])
			return error_nomem(err);
	}
	return 0;
}

static int take_document(struct metadata *metadata, const struct answer *answer, const char *issuer,
			 struct error *err)
{
	const char *named = answer_string(answer, "issuer");

	if (!named || strcmp(named, issuer))
		return error_set(err, TOKEEP_EREPLY,
				 "%s: the metadata names issuer %s, which is another one, so none of it counts", issuer,
				 named ? named : "(none)");
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (answer_lists(answer, "token_endpoint_auth_methods_supported", methods[i].name))
			metadata->auth_offered |= 1u << methods[i].auth;
	metadata->iss_announced = answer_true(answer, "authorization_response_iss_parameter_supported");
	metadata->pkce_lacking = answer_kind(answer, "code_challenge_methods_supported") != ANSWER_ABSENT &&
				 !answer_lists(answer, "code_challenge_methods_supported", "S256");
	return take_endpoints(metadata, answer, issuer, err);
}

static int fetch_from(const struct client *client, const struct oauth_net *net, const char *url,
		      struct metadata *metadata, struct error *err)
{
	static const char *const headers[] = { "Accept: application/json", NULL };
	const struct http_request request = {
		.method = "GET", .url = url, .headers = headers,
		.proxy = net->conf->proxy, .ca_file = net->conf->ca_file, .ca_path = net->conf->ca_path,
		.tls_cert_file = client->tls_cert_file, .tls_key_file = client->tls_key_file,
		.timeout_ms = net->timeout_ms, .connect_timeout_ms = CONNECT_TIMEOUT_MS, .size_max = METADATA_MAX,
	};
	struct http_response response = { .status = 0 };
	struct answer *answer = NULL;
	int r = http_send(&request, &response, err);

	if (!r && response.status != 200)
		r = error_set(err, response.status >= 500 ? TOKEEP_ELATER : TOKEEP_EREPLY,
			      "%s: no metadata: status %ld", url, response.status);
	if (!r) {
		r = answer_read(&response, &answer, err);
		if (r)
			error_add(err, ": %s", url);
	}
	if (!r)
		r = take_document(metadata, answer, client->issuer, err);
	answer_free(answer);
	http_response_free(&response);
	return r;
}

/* RFC 8414, 3.1: the well-known part goes between host and path; OpenID Connect: behind the path. */
static char *document_url(const char *issuer, int form)
{
	size_t origin = http_url_origin(issuer), n = strlen(issuer);
	char *url;

	while (n > origin && issuer[n - 1] == '/')
		n--;
	if (asprintf(&url, form ? "%.*s%.*s/.well-known/openid-configuration" :
				  "%.*s/.well-known/oauth-authorization-server%.*s",
		     (int)origin, issuer, (int)(n - origin), issuer + origin) < 0)
		return NULL;
	return url;
}

static int fetch(const struct client *client, const struct oauth_net *net, struct metadata *metadata,
		 struct error *err)
{
	int r = TOKEEP_EREPLY;

	for (int form = 0; form < 2 && r == TOKEEP_EREPLY; form++) {
		char *url = document_url(client->issuer, form);

		metadata_free(metadata);
		r = url ? fetch_from(client, net, url, metadata, err) : error_nomem(err);
		free(url);
	}
	metadata->fetched_ms = net->now_ms;
	if (r == TOKEEP_EREPLY)
		error_add(err, "; give the client its token_url, or another issuer");
	return r;
}

/*
 * The copy that is kept
 */

static char *kept_path(const struct client *client, const struct conf *conf)
{
	char name[STATEDIR_NAME], *path;

	statedir_record_name(0, client->issuer, name);
	return asprintf(&path, "%s/metadata/%s", conf->state_dir, name) < 0 ? NULL : path;
}

static void read_line(struct metadata *metadata, const char *key, const char *value)
{
	if (!strcmp(key, "fetched"))
		metadata->fetched_ms = strtoll(value, NULL, 10);
	else if (!strcmp(key, "auth"))
		metadata->auth_offered = strtoul(value, NULL, 10);
	else if (!strcmp(key, "iss"))
		metadata->iss_announced = *value == '1';
	else if (!strcmp(key, "no_pkce"))
		metadata->pkce_lacking = *value == '1';
	for (size_t i = 0; i < ENDPOINTS; i++)
		if (!strcmp(key, endpoints[i].member) && !metadata->url[i])
			metadata->url[i] = strdup(value);
}

/* false: nothing is kept for this issuer. */
static bool read_kept(const struct client *client, const struct conf *conf, struct metadata *metadata)
{
	char why[SAFEFILE_WHY], *path = kept_path(client, conf), *text = NULL, *rest, *key, *value;
	int fd = path ? safefile_open(path, O_RDONLY, why) : -1;
	bool ours = false;
	size_t size;

	if (fd >= 0)
		text = statedir_read(fd, &size);
	rest = text;
	while (text && (key = statedir_line(&rest, &value))) {
		ours |= !strcmp(key, "issuer") && !strcmp(value, client->issuer);
		read_line(metadata, key, value);
	}
	free(text);
	if (fd >= 0)
		close(fd);
	free(path);
	return ours;
}

/* Caller frees; NULL: no memory. */
static char *kept_text(const char *issuer, const struct metadata *metadata, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (!out)
		return NULL;
	fprintf(out, "issuer %s\nfetched %" PRId64 "\nauth %u\niss %d\nno_pkce %d\n", issuer, metadata->fetched_ms,
		metadata->auth_offered, metadata->iss_announced, metadata->pkce_lacking);
	for (size_t i = 0; i < ENDPOINTS; i++)
		if (metadata->url[i])
			fprintf(out, "%s %s\n", endpoints[i].member, metadata->url[i]);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

/* A help, not a need: what can't be kept is fetched again. */
static void keep(const struct client *client, const struct conf *conf, const struct metadata *metadata)
{
	char why[SAFEFILE_WHY], *path = kept_path(client, conf);
	size_t size;
	char *text = kept_text(client->issuer, metadata, &size);

	if (path && text)
		statedir_write(conf, "metadata", path, text, size, why);
	free(text);
	free(path);
}

static int fill(struct client *client, struct metadata *metadata, struct error *err)
{
	for (size_t i = 0; i < ENDPOINTS; i++) {
		char **url = (char **)((char *)client + endpoints[i].offset);

		if (*url || !metadata->url[i])
			continue; /* the configuration's own word wins */
		*url = metadata->url[i];
		metadata->url[i] = NULL; /* transferred */
	}
	client->auth_offered = metadata->auth_offered;
	client->iss_announced = metadata->iss_announced;
	client->pkce_lacking = metadata->pkce_lacking;
	if (!client->token_url)
		return error_set(err, TOKEEP_EREPLY, "%s: the metadata has no token_endpoint", client->issuer);
	return 0;
}

int discovery_complete(struct client *client, const struct oauth_net *net, const struct log *log, struct error *err)
{
	struct metadata metadata = { .fetched_ms = 0 }, fresh = { .fetched_ms = 0 };
	bool kept;
	int r = 0;

	if (client->token_url || !client->issuer)
		return 0;
	kept = read_kept(client, net->conf, &metadata);
	if (!kept || metadata.fetched_ms > net->now_ms || net->now_ms - metadata.fetched_ms > KEPT_MS) {
		r = fetch(client, net, &fresh, err);
		if (!r) {
			keep(client, net->conf, &fresh);
			metadata_free(&metadata);
			metadata = fresh;
			fresh = (struct metadata){ .fetched_ms = 0 }; /* transferred */
		} else if (kept && r != TOKEEP_EREPLY) {
			log_say(log, TOKEEP_LOG_NOTICE, "%s; its metadata of an earlier run is used", error_text(err));
			r = 0;
		}
	}
	if (!r)
		r = fill(client, &metadata, err);
	metadata_free(&metadata);
	metadata_free(&fresh);
	return r;
}
