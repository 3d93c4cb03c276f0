/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sandbox.h: the server as a whole, which every endpoint gets, and the endpoints of each file.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "faults.h"
#include "grants.h"
#include "http.h"
#include "record.h"

#include <pthread.h>

enum dialect { RFC = 1, ZOHO = 2, BOTH = RFC | ZOHO };

struct sandbox {
	enum dialect dialect;
	char *base;        /* "http://127.0.0.1:8080", the issuer and accounts server */
	char *other_base;  /* the same server by its other name "http://localhost:8080": Zoho's second data centre */
	char *host, *other_host; /* of these */
	char *api_domain;  /* NULL: as the base in use */
	bool legacy_expiry; /* Zoho: expires_in in ms beside expires_in_sec */
	const struct param *redirects; /* redirect URIs that are registered; NULL: any to loopback or https */
	char *location;    /* Zoho: the data centre where the users live, "us" (base) or another (other_base) */
	struct grants *grants;
	struct faults *faults;
	struct record *record;
	pthread_mutex_t mutex;
	char *auto_approve; /* the user who agrees to everything; NULL: a page asks. Under the mutex */
};

/* Says `where: why` and ends the program: 1 for what the system refused, 2 for wrong arguments. */
_Noreturn void die(int status, const char *where, const char *why);

struct options;
void sandbox_new(struct sandbox *sb, const struct options *o); /* ends the program if an option makes no sense */
void sandbox_set_names(struct sandbox *sb, uint16_t port, bool tls);
void sandbox_free(struct sandbox *sb);

/* Copy of the user who agrees to everything, or NULL. */
char *sandbox_auto_approve(struct sandbox *sb);
void sandbox_set_auto_approve(struct sandbox *sb, const char *user);

typedef void endpoint_function(struct sandbox *, struct request *, struct reply *);

/* rfc.c */
endpoint_function rfc_token, rfc_revoke, rfc_introspect, rfc_device, rfc_metadata, rfc_userinfo;
/* zoho.c */
endpoint_function zoho_token, zoho_revoke, zoho_device, zoho_device_token, zoho_serverinfo, zoho_userinfo, zoho_crm;
/* authorize.c, page.c: what a person sees */
endpoint_function authorize_page, page_device, page_home;
/* resource.c */
endpoint_function resource_api;
json_t *resource_echo(const struct request *rq, const struct token_info *info);
/* control.c */
endpoint_function control_state, control_fault, control_seed, control_expire, control_revoke_all,
	control_approve, control_deny, control_reset, control_set, control_look, control_config;

/* The live access token in an Authorization header of that scheme. false: none. */
bool bearer(struct sandbox *sb, struct request *rq, const char *scheme, struct token_info *info);

/* snippet.c: what to put into tokeep.conf. */
char *snippet(struct sandbox *sb);

struct route {
	enum dialect dialects;
	const char *path;      /* "/api/" ends with a slash: everything below */
	const char *methods;   /* "GET POST" */
	const char *endpoint;  /* its name in faults and in the log; NULL: neither, a control endpoint */
	endpoint_function *handle;
};
const struct route *route_find(const struct sandbox *sb, const char *path); /* NULL: 404 */
bool route_takes(const struct route *route, const char *method);
#endif
