/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* provider.c: a client of the configuration joined with its provider and data centre. */
#include <config.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "provider.h"
#include "schema.h"
#include "secret.h"
#include "transport.h"

enum text_kind { TEXT, URL, PATH };

/* Every text of a client: its key, where it goes, and what it is where nobody says. */
static const struct text_key {
	const char *key;
	size_t offset;
	enum text_kind kind;
	const char *otherwise;
} text_keys[] = {
	{"issuer",                   offsetof(struct client, issuer),                   URL,  NULL},
	{"authorization_url",        offsetof(struct client, authorization_url),        URL,  NULL},
	{"token_url",                offsetof(struct client, token_url),                URL,  NULL},
	{"revocation_url",           offsetof(struct client, revocation_url),           URL,  NULL},
	{"device_authorization_url", offsetof(struct client, device_authorization_url), URL,  NULL},
	{"device_token_url",         offsetof(struct client, device_token_url),         URL,  NULL},
	{"userinfo_url",             offsetof(struct client, userinfo_url),             URL,  NULL},
	{"client_id",                offsetof(struct client, client_id),                TEXT, NULL},
	{"redirect_url",             offsetof(struct client, redirect_url),             TEXT, NULL},
	{"scope",                    offsetof(struct client, scope),                    TEXT, NULL},
	{"scope_separator",          offsetof(struct client, scope_separator),          TEXT, " "},
	{"soid",                     offsetof(struct client, soid),                     TEXT, NULL},
	{"header",                   offsetof(struct client, header),                   TEXT, "Bearer"},
	{"key_file",                 offsetof(struct client, key_file),                 PATH, NULL},
	{"key_id",                   offsetof(struct client, key_id),                   TEXT, NULL},
	{"tls_cert_file",            offsetof(struct client, tls_cert_file),            PATH, NULL},
	{"tls_key_file",             offsetof(struct client, tls_key_file),             PATH, NULL},
};
#define TEXT_KEYS (sizeof(text_keys) / sizeof(text_keys[0]))

static char **text_at(const struct client *client, const struct text_key *key)
{
	return (char **)((char *)(uintptr_t)client + key->offset);
}

void client_free(struct client *client)
{
	size_t i;

	if (!client)
		return;
	for (i = 0; i < TEXT_KEYS; i++)
		secret_free(*text_at(client, &text_keys[i]));
	free(client->name);
	free(client->provider);
	free(client->accounts);
	free(client->api_domain);
	free(client->data_center);
	secret_free(client->secret);
	settings_free(client->provider_root);
	free(client);
}

static bool given(const struct setting *group, const char *name)
{
	const struct setting *setting = setting_member(group, name);

	return setting && *setting->text;
}

/* The client's word wins, also "" for "none". */
static const struct setting *lookup(const struct client *client, const char *name)
{
	const struct setting *own = setting_member(client->group, name);

	return own ? own : setting_member(client->provider_group, name);
}

/* Endpoints of two servers don't mix: a client with an issuer of its own takes no endpoint of its provider, and one
 * with a token endpoint of its own is not of the provider's issuer. */
static const struct setting *lookup_url(const struct client *client, const char *name)
{
	const char *key = strcmp(name, "issuer") ? "issuer" : "token_url";

	return given(client->group, key) ? setting_member(client->group, name) : lookup(client, name);
}

static int copy(char **to, const char *from, struct error *err)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? error_nomem(err) : 0;
}

/* "{accounts}/oauth/v2/token" at the data centre in use. */
static int take_url(const struct client *client, const struct setting *setting, char **url, struct error *err)
{
	static const char template[] = "{accounts}";
	const char *text = setting->text, *why;

	if (strncmp(text, template, sizeof(template) - 1))
		return copy(url, text, err);
	if (!client->accounts)
		return setting_refuse(client->group ? client->group : setting, err,
				      "data_center: is missing, and needed for %s", setting->name);
	if (asprintf(url, "%s%s", client->accounts, text + sizeof(template) - 1) < 0) {
		*url = NULL;
		return error_nomem(err);
	}
	why = http_url_refusal(*url);
	return why ? setting_refuse(setting, err, "%s: %s", *url, why) : 0;
}

static int take_text(struct client *client, const struct text_key *key, struct error *err)
{
	const struct setting *setting = key->kind == URL ? lookup_url(client, key->key) : lookup(client, key->key);
	char **to = text_at(client, key);

	if (!setting || !*setting->text)
		return copy(to, key->otherwise, err);
	if (key->kind == URL)
		return take_url(client, setting, to, err);
	if (key->kind == PATH)
		return setting_path(setting, to, err);
	return copy(to, setting->text, err);
}

static int add_choices(const struct setting *group, struct error *err)
{
	const struct setting *member = group ? group->first : NULL;

	for (; member; member = member->next)
		error_add(err, "%s%s", member == group->first ? "; there are: " : ", ", member->name);
	return TOKEEP_ECONFIG;
}

static int refuse_data_center(const struct client *client, const struct setting *setting, const char *name,
			      struct error *err)
{
	if (!setting)
		setting = client->group ? client->group : client->provider_group;
	if (!client->data_centers)
		return setting_refuse(setting, err, "%s: the provider has no data centres", name);
	setting_refuse(setting, err, "%s: the provider has no such data centre", name);
	return add_choices(client->data_centers, err);
}

/* `name` NULL: the configured one, else the provider's default, else none. */
static int take_data_center(struct client *client, const char *name, struct error *err)
{
	const struct setting *chosen = NULL, *center, *api;
	int r;

	client->data_centers = lookup(client, "data_centers");
	if (!name) {
		chosen = lookup(client, "data_center");
		if (!chosen || !*chosen->text)
			chosen = lookup(client, "default_data_center");
		if (!chosen || !*chosen->text)
			return 0;
		name = chosen->text;
	}
	center = setting_member(client->data_centers, name);
	if (!center)
		return refuse_data_center(client, chosen, name, err);
	r = copy(&client->data_center, name, err);
	if (!r && setting_member(center, "accounts"))
		r = copy(&client->accounts, setting_member(center, "accounts")->text, err);
	api = setting_member(center, "api");
	if (!r && api && *api->text)
		r = copy(&client->api_domain, api->text, err);
	return r;
}

/* The place of a word in a list that schema.c has checked it against, -1: not given. */
static int word(const struct client *client, const char *name, const char *const words[])
{
	const struct setting *setting = lookup(client, name);
	int i;

	for (i = 0; setting && words[i]; i++)
		if (!strcmp(setting->text, words[i]))
			return i;
	return -1;
}

static int64_t number(const struct client *client, const char *name, int64_t otherwise)
{
	const struct setting *setting = lookup(client, name);

	return setting ? strtoll(setting->text, NULL, 10) : otherwise;
}

static void take_habits(struct client *client)
{
	const struct setting *save = lookup(client, "save_client_secret");

	client->dialect = word(client, "dialect", schema_dialect) == 1 ? DIALECT_ZOHO : DIALECT_RFC;
	client->auth = AUTH_NONE + word(client, "client_auth", schema_client_auth); /* -1: AUTH_DEFAULT */
	client->authorization_params[0] = setting_member(client->provider_group, "authorization_params");
	client->authorization_params[1] = setting_member(client->group, "authorization_params");
	client->api_hosts = lookup(client, "api_hosts");
	client->token_life_s = number(client, "token_life", 3600);
	client->login_timeout_s = number(client, "login_timeout", 300);
	client->save_client_secret = save && !strcmp(save->text, "true");
}

/* What a client of the configuration can't do without. */
static int check_whole(const struct client *client, struct error *err)
{
	if (!client->client_id)
		return setting_refuse(client->group, err, "client_id: is missing");
	if (!client->issuer && !client->token_url)
		return setting_refuse(client->group, err, "has neither provider nor issuer nor token_url");
	if (client->auth == AUTH_PRIVATE_KEY_JWT && !client->key_file)
		return setting_refuse(client->group, err, "key_file: is missing, and needed for private_key_jwt");
	if (!client->tls_cert_file != !client->tls_key_file)
		return setting_refuse(client->group, err, "tls_cert_file and tls_key_file go together");
	return 0;
}

static int fill(const struct conf *conf, struct client *client, const char *provider, const char *data_center,
		struct error *err)
{
	const struct setting *asked = setting_member(client->group, "provider");
	size_t i;
	int r;

	if (asked && *asked->text)
		provider = asked->text;
	r = copy(&client->provider, provider, err);
	if (!r && client->group)
		r = copy(&client->name, client->group->name, err);
	if (!r && provider)
		r = provider_find(conf, provider, asked, &client->provider_root, &client->provider_group, err);
	if (!r)
		r = take_data_center(client, data_center, err);
	for (i = 0; !r && i < TEXT_KEYS; i++)
		r = take_text(client, &text_keys[i], err);
	if (r)
		return r;
	take_habits(client);
	return client->group ? check_whole(client, err) : 0;
}

int client_build(const struct conf *conf, const struct setting *group, const char *provider,
		 const char *data_center, struct client **client, struct error *err)
{
	struct client *made = calloc(1, sizeof(*made));
	int r;

	if (!made)
		return error_nomem(err);
	made->group = group;
	r = fill(conf, made, provider, data_center, err);
	if (r) {
		client_free(made);
		return r;
	}
	*client = made;
	return 0;
}

static bool differs(const char *a, const char *b)
{
	return a && b && strcmp(a, b);
}

/* Clients of one provider share its endpoints and differ at most in the data centre. */
static bool same_provider(const struct client *client, const struct setting *group)
{
	const struct setting *provider = setting_member(group, "provider");

	return provider && client->provider && !strcmp(provider->text, client->provider) &&
	       !setting_member(group, "issuer") && !setting_member(group, "token_url") &&
	       !setting_member(client->group, "issuer") && !setting_member(client->group, "token_url");
}

int client_refuse_mixup(const struct conf *conf, const struct client *client, struct error *err)
{
	const struct setting *clients = setting_member(conf->root, "clients"), *group;
	struct error ignored = {.retry_after_s = -1};
	struct client *other;
	int r = 0;

	if (!client->issuer || !client->token_url)
		return 0;
	for (group = clients ? clients->first : NULL; !r && group; group = group->next) {
		if (group == client->group || same_provider(client, group))
			continue;
		other = NULL;
		if (!client_build(conf, group, NULL, NULL, &other, &ignored) && other->issuer &&
		    !strcmp(other->issuer, client->issuer) && differs(other->token_url, client->token_url))
			r = setting_refuse(group, err, "has the issuer of clients.%s, %s, but another token_url: %s, not %s",
					   client->name, client->issuer, other->token_url, client->token_url);
		error_clear(&ignored);
		client_free(other);
	}
	return r;
}

static const struct setting *with_client_id(const struct setting *clients, const char *client_id, int *count)
{
	const struct setting *group, *id, *found = NULL;

	*count = 0;
	for (group = clients ? clients->first : NULL; group; group = group->next) {
		id = setting_member(group, "client_id");
		if (id && !strcmp(id->text, client_id)) {
			found = group;
			++*count;
		}
	}
	return found;
}

static int choose(const struct conf *conf, const char *name, const struct setting **group, struct error *err)
{
	const struct setting *clients = setting_member(conf->root, "clients"), *found = NULL;
	const char *file = conf->file ? conf->file : "the configuration";
	int count = 0;

	if (!clients || !clients->first)
		return error_set(err, TOKEEP_ECONFIG,
				 "%s: no client is configured; add: clients = { %s = { provider = \"...\"; client_id = \"...\"; }; };",
				 conf->file ? conf->file : "~/.config/tokeep/tokeep.conf", name ? name : "mine");
	if (!name && conf->default_client)
		name = conf->default_client->text;
	if (name)
		found = setting_member(clients, name);
	else if (!clients->first->next)
		found = clients->first;
	if (!found && name)
		found = with_client_id(clients, name, &count);
	if (found && count < 2) {
		*group = found;
		return 0;
	}
	if (found)
		error_set(err, TOKEEP_ECONFIG, "%s: several clients have the client_id %s; say which by its name", file,
			  name);
	else if (name)
		error_set(err, TOKEEP_ECONFIG, "%s: clients.%s: there is no such client", file, name);
	else
		error_set(err, TOKEEP_ECONFIG, "%s: several clients and no default_client; say which", file);
	return add_choices(clients, err);
}

int client_named(const struct conf *conf, const char *name, const char *data_center, struct client **client,
		 struct error *err)
{
	const struct setting *group = NULL;
	struct client *made = NULL;
	int r;

	r = choose(conf, name, &group, err);
	if (!r)
		r = client_build(conf, group, NULL, data_center, &made, err);
	if (!r)
		r = client_refuse_mixup(conf, made, err);
	if (r) {
		client_free(made);
		return r;
	}
	*client = made;
	return 0;
}

int client_secret(struct client *client, const char **secret, struct error *err)
{
	int r;

	if (!client->secret_resolved) {
		r = setting_secret(client->group, "client_secret", &client->secret, err);
		if (r)
			return r;
		client->secret_resolved = true;
	}
	*secret = client->secret;
	return 0;
}

int client_names(const struct conf *conf, int (*each)(void *, const char *name, const struct setting *), void *data)
{
	const struct setting *group = setting_member(conf->root, "clients");
	int r = 0;

	for (group = group ? group->first : NULL; !r && group; group = group->next)
		r = each(data, group->name, group);
	return r;
}
