/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * provider_match.c: who may refresh this record. A refresh token and a client secret go to the server that
 * issued the token and to no other; a record may say which of the known servers that was, never name a new one.
 */
#include <config.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "provider.h"
#include "secret.h"

/* How well a client fits a record; the best wins. */
enum fit {
	FOREIGN,      /* issued by another server */
	NO_WORD,      /* the record doesn't say who issued it */
	OTHER_CENTER, /* issued in another data centre of the client's provider */
	OWN_CENTER,
	SAME_ISSUER,
};

/* Is it the server, or a URL below it? */
static bool at_server(const char *url, const char *server, size_t n)
{
	return n && !strncasecmp(url, server, n) && (!url[n] || url[n] == '/');
}

/* The API of a data centre answers for production; sandbox and developer have their own names there. */
static bool at_api(const char *url, const char *api)
{
	static const char *const kinds[] = {"https://sandbox.", "https://developer."};
	static const char production[] = "https://www.";
	size_t i, n, skip = sizeof(production) - 1;

	if (at_server(url, api, strlen(api)))
		return true;
	if (strncasecmp(api, production, skip))
		return false;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		n = strlen(kinds[i]);
		if (!strncasecmp(url, kinds[i], n) && at_server(url + n, api + skip, strlen(api + skip)))
			return true;
	}
	return false;
}

static const char *center_of(const struct setting *centers, const char *url)
{
	const struct setting *center, *accounts, *api;

	for (center = centers && url ? centers->first : NULL; center; center = center->next) {
		accounts = setting_member(center, "accounts");
		if (accounts && at_server(url, accounts->text, strlen(accounts->text)))
			return center->name;
		api = setting_member(center, "api");
		if (api && *api->text && at_api(url, api->text))
			return center->name;
	}
	return NULL;
}

const char *client_data_center_of(const struct client *client, const char *url)
{
	return center_of(client->data_centers, url);
}

static bool same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

/* The very issuer or token endpoint, or the bare accounts server. */
static bool issued(const struct client *client, const char *issuer)
{
	return same(issuer, client->issuer) || same(issuer, client->token_url) ||
	       (same(issuer, client->accounts) && client->token_url &&
		at_server(client->token_url, issuer, strlen(issuer)));
}

static const char *origin_of(const struct tokeep_token *token)
{
	const char *issuer = token->value[TOKEEP_FIELD_ISSUER];

	return issuer ? issuer : token->value[TOKEEP_FIELD_API_DOMAIN];
}

/* A client that is in the data centre where the record comes from. */
static enum fit fit(const struct client *client, const struct tokeep_token *token)
{
	const char *issuer = token->value[TOKEEP_FIELD_ISSUER];
	const char *center;

	if (issuer)
		return issued(client, issuer) ? SAME_ISSUER : FOREIGN;
	center = client_data_center_of(client, origin_of(token));
	return center && same(center, client->data_center) ? OWN_CENTER : NO_WORD;
}

/* The clients with the record's client_id: the best so far. */
struct match {
	const struct conf *conf;
	const struct tokeep_token *token;
	struct client *client;
	enum fit fit;
	const struct setting *rival; /* fits as well, at another server */
	const struct setting *foreign; /* has the client_id, but is of another server */
};

static const char *server(const struct client *client)
{
	return client->token_url ? client->token_url : client->issuer;
}

/* Of two that fit as well: the same server, then it makes no difference and default_client or else the first is
 * taken; another server, then nobody can tell. */
static bool better(struct match *match, const struct client *client, enum fit how)
{
	const struct setting *preferred = match->conf->default_client;

	if (!match->client || how > match->fit) {
		match->rival = NULL;
		return true;
	}
	if (how < match->fit)
		return false;
	if (!same(server(client), server(match->client))) {
		match->rival = client->group;
		return false;
	}
	return preferred && same(preferred->text, client->name);
}

/* The same client in the data centre where the record comes from; NULL: it is there, or that is unknown. */
static int move(const struct match *match, struct client *client, struct client **there, struct error *err)
{
	const char *center = client_data_center_of(client, origin_of(match->token));

	if (!center || same(center, client->data_center) || fit(client, match->token) == SAME_ISSUER)
		return 0;
	return client_build(match->conf, client->group, NULL, center, there, err);
}

static void keep(struct match *match, struct client *client, enum fit how)
{
	client_free(match->client);
	match->client = client;
	match->fit = how;
}

static int try_client(struct match *match, const struct setting *group, struct error *err)
{
	struct client *client = NULL, *there = NULL;
	enum fit how;
	int r;

	r = client_build(match->conf, group, NULL, NULL, &client, err);
	if (!r)
		r = move(match, client, &there, err);
	if (r) {
		client_free(client);
		return r;
	}
	how = fit(there ? there : client, match->token);
	if (there) {
		client_free(client);
		client = there;
		how = how == FOREIGN ? FOREIGN : OTHER_CENTER;
	}
	if (how == FOREIGN)
		match->foreign = group;
	if (how != FOREIGN && better(match, client, how))
		keep(match, client, how);
	else
		client_free(client);
	return 0;
}

static int try_clients(struct match *match, struct error *err)
{
	const char *wanted = match->token->value[TOKEEP_FIELD_CLIENT_ID];
	const struct setting *group = setting_member(match->conf->root, "clients"), *id;
	int r = 0;

	for (group = group ? group->first : NULL; !r && group; group = group->next) {
		id = setting_member(group, "client_id");
		if (id && same(id->text, wanted))
			r = try_client(match, group, err);
	}
	if (r || !match->rival)
		return r;
	return setting_refuse(match->rival, err,
			      "has the client_id of clients.%s at another server, and the record does not say which "
			      "issued it; run: tokeep login %s, or the other",
			      match->client->name, match->client->name);
}

int client_may_own(const struct conf *conf, const struct setting *group, const struct tokeep_token *token, bool *may,
		   struct error *err)
{
	struct match match = {.conf = conf, .token = token};
	int r = token->value[TOKEEP_FIELD_ISSUER] ? try_client(&match, group, err) : 0;

	client_free(match.client);
	if (!r)
		*may = !match.foreign;
	return r;
}

/* The provider of Zoho's dialect, and the data centre, that issued a record of an SDK. */
struct origin {
	const char *url;
	char *provider, *center;
};

static int find_origin(void *data, const char *name, const char *path, const struct setting *group,
		       const char *broken)
{
	const struct setting *dialect = setting_member(group, "dialect");
	const char *center = center_of(setting_member(group, "data_centers"), ((struct origin *)data)->url);
	struct origin *origin = data;

	if (!dialect || strcmp(dialect->text, "zoho") || !center)
		return 0;
	origin->provider = strdup(name);
	origin->center = strdup(center);
	return 1;
}

static void origin_free(struct origin *origin)
{
	free(origin->provider);
	free(origin->center);
}

/* The group to add, as far as the record tells. */
static void add_group(const struct match *match, const struct origin *origin, struct error *err)
{
	const char *id = match->token->value[TOKEEP_FIELD_CLIENT_ID];
	const char *issuer = match->token->value[TOKEEP_FIELD_ISSUER];

	error_add(err, "; add to %s: clients = { NAME = { ",
		  match->conf->file ? match->conf->file : "~/.config/tokeep/tokeep.conf");
	if (origin->provider)
		error_add(err, "provider = \"%s\"; data_center = \"%s\"; ", origin->provider, origin->center);
	else if (issuer)
		error_add(err, "%s = \"%s\"; ", strstr(issuer, "/token") ? "token_url" : "issuer", issuer);
	else
		error_add(err, "provider = \"...\"; ");
	error_add(err, "client_id = \"%s\"; client_secret_file = \"/...\"; }; };", id ? id : "...");
}

static int refuse(const struct match *match, const struct origin *origin, struct error *err)
{
	const char *id = match->token->value[TOKEEP_FIELD_CLIENT_ID];
	const char *issuer = match->token->value[TOKEEP_FIELD_ISSUER];

	if (!id)
		return error_set(err, TOKEEP_ECONFIG,
				 "token %s has no client_id, so that no client may refresh it; run: tokeep login",
				 match->token->value[TOKEEP_FIELD_ID] ? match->token->value[TOKEEP_FIELD_ID] : "");
	if (match->foreign)
		setting_refuse(match->foreign, err,
			       "has the client_id of this token, but the token was issued by %s, and is refreshed only there",
			       issuer);
	else
		error_set(err, TOKEEP_ECONFIG, "%s: no client has the client_id of this token, %s",
			  match->conf->file ? match->conf->file : "no configuration", id);
	add_group(match, origin, err);
	return TOKEEP_ECONFIG;
}

static int make_up(const struct match *match, const struct origin *origin, struct client **client, struct error *err)
{
	const struct tokeep_token *token = match->token;
	struct client *made = NULL;
	int r;

	r = client_build(match->conf, NULL, origin->provider, origin->center, &made, err);
	if (r)
		return r;
	if (token->value[TOKEEP_FIELD_ISSUER] && !issued(made, token->value[TOKEEP_FIELD_ISSUER])) {
		client_free(made);
		return refuse(match, origin, err);
	}
	secret_free(made->client_id);
	made->client_id = strdup(token->value[TOKEEP_FIELD_CLIENT_ID]);
	made->secret = strdup(token->value[TOKEEP_FIELD_CLIENT_SECRET]);
	made->secret_resolved = true;
	if (!made->client_id || !made->secret) {
		client_free(made);
		return error_nomem(err);
	}
	*client = made;
	return 0;
}

/* No client of the configuration: perhaps a record of an SDK, which has all that is needed. */
static int without_client(const struct match *match, struct client **client, struct error *err)
{
	char *const *value = match->token->value;
	struct origin origin = {.url = origin_of(match->token)};
	struct error ignored = {.retry_after_s = -1};
	int r;

	if (origin.url && value[TOKEEP_FIELD_CLIENT_ID])
		provider_walk(match->conf, find_origin, &origin, &ignored);
	error_clear(&ignored);
	if (origin.provider && origin.center && value[TOKEEP_FIELD_CLIENT_SECRET] && !match->foreign)
		r = make_up(match, &origin, client, err);
	else
		r = refuse(match, &origin, err);
	origin_free(&origin);
	return r;
}

int client_for_token(const struct conf *conf, const struct tokeep_token *token, struct client **client,
		     struct error *err)
{
	struct match match = {.conf = conf, .token = token};
	int r;

	r = try_clients(&match, err);
	if (!r && !match.client)
		return without_client(&match, client, err);
	if (!r)
		r = client_refuse_mixup(conf, match.client, err);
	if (r) {
		client_free(match.client);
		return r;
	}
	*client = match.client;
	return 0;
}
