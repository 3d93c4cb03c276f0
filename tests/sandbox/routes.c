/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* routes.c: which path leads to which endpoint, in which dialect. */
#include "config.h"

#include "sandbox.h"
#include "text.h"

#include <string.h>

static const struct route routes[] = {
	{ RFC,  "/authorize",                              "GET POST", "authorize",            authorize_page },
	{ RFC,  "/token",                                  "POST",     "token",                rfc_token },
	{ RFC,  "/revoke",                                 "POST",     "revoke",               rfc_revoke },
	{ RFC,  "/introspect",                             "POST",     "introspect",           rfc_introspect },
	{ RFC,  "/device_authorization",                   "POST",     "device_authorization", rfc_device },
	{ RFC,  "/userinfo",                               "GET POST", "userinfo",             rfc_userinfo },
	{ RFC,  "/.well-known/oauth-authorization-server", "GET",      "metadata",             rfc_metadata },
	{ RFC,  "/.well-known/openid-configuration",       "GET",      "metadata",             rfc_metadata },
	{ RFC,  "/api/",              "GET POST PUT PATCH DELETE",     "api",                  resource_api },
	{ ZOHO, "/oauth/v2/auth",                          "GET POST", "authorize",            authorize_page },
	{ ZOHO, "/oauth/v2/token",                         "POST",     "token",                zoho_token },
	{ ZOHO, "/oauth/v2/token/revoke",                  "POST",     "revoke",               zoho_revoke },
	{ ZOHO, "/oauth/v3/device/code",                   "POST",     "device_authorization", zoho_device },
	{ ZOHO, "/oauth/v3/device/token",                  "POST",     "device_token",         zoho_device_token },
	{ ZOHO, "/oauth/user/info",                        "GET",      "userinfo",             zoho_userinfo },
	{ ZOHO, "/oauth/serverinfo",                       "GET",      "metadata",             zoho_serverinfo },
	{ ZOHO, "/crm/",              "GET POST PUT PATCH DELETE",     "api",                  zoho_crm },
	{ BOTH, "/device",                                 "GET POST", "device",               page_device },
	{ BOTH, "/",                                       "GET",      NULL,                   page_home },
	{ BOTH, "/_sandbox/state",                         "GET",      NULL, control_state },
	{ BOTH, "/_sandbox/config",                        "GET",      NULL, control_config },
	{ BOTH, "/_sandbox/fault",                  "GET POST DELETE", NULL, control_fault },
	{ BOTH, "/_sandbox/seed",                          "POST",     NULL, control_seed },
	{ BOTH, "/_sandbox/look",                          "POST",     NULL, control_look },
	{ BOTH, "/_sandbox/set",                           "POST",     NULL, control_set },
	{ BOTH, "/_sandbox/expire",                        "GET POST", NULL, control_expire },
	{ BOTH, "/_sandbox/revoke-all",                    "GET POST", NULL, control_revoke_all },
	{ BOTH, "/_sandbox/approve",                       "GET POST", NULL, control_approve },
	{ BOTH, "/_sandbox/deny",                          "GET POST", NULL, control_deny },
	{ BOTH, "/_sandbox/reset",                         "GET POST", NULL, control_reset },
};

static bool leads(const struct route *route, const char *path)
{
	size_t n = strlen(route->path);

	if (n > 1 && route->path[n - 1] == '/')
		return !strncmp(path, route->path, n);
	return !strcmp(path, route->path);
}

const struct route *route_find(const struct sandbox *sb, const char *path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
		if ((routes[i].dialects & sb->dialect) && leads(&routes[i], path))
			return &routes[i];
	return NULL;
}

bool route_takes(const struct route *route, const char *method)
{
	return words_have(route->methods, method, strlen(method));
}
