/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * provider.h: who to ask for tokens: a client of the configuration joined with its provider's file
 * and data centre into one set of endpoints and habits. Also finds the client for a stored record.
 */
#ifndef TOKEEP_CORE_PROVIDER_H
#define TOKEEP_CORE_PROVIDER_H

#include "conf.h"
#include "token.h"

enum dialect { DIALECT_RFC, DIALECT_ZOHO };

enum client_auth { AUTH_DEFAULT, AUTH_NONE, AUTH_BASIC, AUTH_POST, AUTH_PRIVATE_KEY_JWT, AUTH_CLIENT_SECRET_JWT };

/* The endpoints and habits that a client or a provider may give, as text, {accounts} filled in. The members of
 * this table in provider.c are the keys of tokeep.conf(5) and tokeep-providers(5). */
struct client {
	char *name;    /* the group of the configuration; NULL: made up for a record that no client knows */
	char *provider; /* NULL: none named */
	const struct setting *group; /* NULL with name */
	enum dialect dialect;
	enum client_auth auth;
	char *issuer, *authorization_url, *token_url, *revocation_url, *device_authorization_url,
		*device_token_url, *userinfo_url;
	char *accounts;    /* the accounts server of the data centre in use, "https://accounts.zoho.eu"; NULL */
	char *api_domain;  /* of the data centre in use; NULL */
	char *data_center; /* NULL */
	char *client_id, *redirect_url, *scope, *soid, *header /* never NULL: "Bearer" */;
	char *scope_separator; /* never NULL: " " */
	char *key_file, *key_id, *tls_cert_file, *tls_key_file;
	const struct setting *authorization_params[2]; /* the provider's, the client's (which wins); NULL */
	const struct setting *api_hosts;               /* array; NULL */
	const struct setting *data_centers;            /* group of groups; NULL */
	int64_t token_life_s, login_timeout_s;
	/* What the server's metadata says, by discovery.c */
	unsigned int auth_offered; /* 1 << enum client_auth each; 0: unknown */
	bool iss_announced;        /* authorization responses carry iss: RFC 9207, 2.4 */
	bool pkce_lacking;         /* S256 is not among its methods */
	bool save_client_secret;
	char *secret;          /* resolved by client_secret() */
	bool secret_resolved;
	struct setting *provider_root; /* what was read of the provider's file; owned */
	const struct setting *provider_group;
};

void client_free(struct client *client); /* wipes; NULL is fine */

/* The client of that name (or, where no group has it, with that client_id); NULL: default_client, or the only one,
 * else TOKEEP_ECONFIG with the choices. `data_center` NULL: as configured. */
int client_named(const struct conf *conf, const char *name, const char *data_center, struct client **client,
		 struct error *err);

/* The client that may refresh this record, at the server that issued it (DESIGN: record's client_id, issuer,
 * api_domain), or one made up of the record's own client_id and client_secret for a record of Zoho's SDKs. Else
 * TOKEEP_ECONFIG with the group to add. */
int client_for_token(const struct conf *conf, const struct tokeep_token *token, struct client **client,
		     struct error *err);

/* Could the client of this group have got the record? Not where that names another server as its issuer. */
int client_may_own(const struct conf *conf, const struct setting *group, const struct tokeep_token *token, bool *may,
		   struct error *err);

/* The secret, read when first needed; *secret NULL where the client has none. Stays the client's. */
int client_secret(struct client *client, const char **secret, struct error *err);

/* The data centre of the provider whose accounts server or api domain this URL is: its name or NULL. */
const char *client_data_center_of(const struct client *client, const char *url);

/* Name of every client in turn; of every provider file and group in turn (info as in tokeep.h). */
int client_names(const struct conf *conf, int (*each)(void *, const char *name, const struct setting *), void *data);
int provider_list(const struct conf *conf, int (*each)(void *, const struct tokeep_provider_info *), void *data,
		  struct error *err);

/* provider_file.c: the group of a provider, of the configuration or else of an installed file, whose tree is then
 * *root and the caller's. `asked` is the setting that names it, for messages; NULL: none does. */
int provider_find(const struct conf *conf, const char *name, const struct setting *asked, struct setting **root,
		  const struct setting **group, struct error *err);
/* Every provider in turn, the configuration's first; `broken` says why a file can't be used, then `group` is NULL. */
typedef int provider_each(void *data, const char *name, const char *path, const struct setting *group,
			  const char *broken);
int provider_walk(const struct conf *conf, provider_each *each, void *data, struct error *err);

/* provider.c: a client from its group, or with `group` NULL one of nothing but a provider. */
int client_build(const struct conf *conf, const struct setting *group, const char *provider,
		 const char *data_center, struct client **client, struct error *err);
/* Refused where another client has the same issuer but another token endpoint: codes and tokens of one could be
 * sent to the other (mix-up). */
int client_refuse_mixup(const struct conf *conf, const struct client *client, struct error *err);
#endif
