/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* callback.c: the parameters of an authorization response, and what they mean. */
#include <stddef.h>
#include <string.h>

#include "form.h"
#include "login.h"
#include "secret.h"

static const struct {
	const char *name;
	size_t offset;
} parameters[] = {
	{ "code",              offsetof(struct callback, code) },
	{ "state",             offsetof(struct callback, state) },
	{ "iss",               offsetof(struct callback, iss) },
	{ "error",             offsetof(struct callback, error) },
	{ "error_description", offsetof(struct callback, error_description) },
	{ "location",          offsetof(struct callback, location) },
	{ "accounts-server",   offsetof(struct callback, accounts_server) },
};

static char **slot(struct callback *callback, const char *name)
{
	for (size_t i = 0; i < sizeof(parameters) / sizeof(*parameters); i++)
		if (!strcmp(parameters[i].name, name))
			return (char **)((char *)callback + parameters[i].offset);
	return NULL;
}

void callback_free(struct callback *callback)
{
	for (size_t i = 0; i < sizeof(parameters) / sizeof(*parameters); i++) {
		char **value = slot(callback, parameters[i].name);

		secret_free(*value);
		*value = NULL;
	}
}

struct reading {
	struct callback *callback;
	struct error *err;
};

static int take(void *data, const char *name, size_t name_size, const char *value, size_t value_size)
{
	struct reading *reading = data;
	char **where = strlen(name) == name_size ? slot(reading->callback, name) : NULL;

	if (!where)
		return 0; /* unknown parameters are ignored: RFC 6749, 4.1.2 */
	if (*where)
		return error_set(reading->err, TOKEEP_EINVAL, "callback URL: %s comes twice", name);
	if (strlen(value) != value_size)
		return error_set(reading->err, TOKEEP_EINVAL, "callback URL: a NUL byte in %s", name);
	*where = strdup(value);
	return *where ? 0 : error_nomem(reading->err);
}

int callback_read(const char *url, struct callback *callback, struct error *err)
{
	struct reading reading = { callback, err };
	const char *query = strchr(url, '?');
	int r;

	*callback = (struct callback){ .code = NULL };
	query = query ? query + 1 : url;
	r = form_decode(query, strcspn(query, "#\r\n"), take, &reading);
	if (r == -1 && !err->result)
		r = error_set(err, TOKEEP_EINVAL, "callback URL: its query is broken");
	if (r)
		callback_free(callback);
	return r;
}

int callback_refusal(const struct callback *callback, const struct client *client, struct error *err)
{
	static const struct {
		const char *error;
		int result;
		const char *meaning;
	} known[] = {
		{ "access_denied", TOKEEP_ELOGIN, "the login was refused" },
		{ "login_required", TOKEEP_ELOGIN, "the provider wants a login" },
		{ "consent_required", TOKEEP_ELOGIN, "the provider wants consent" },
		{ "interaction_required", TOKEEP_ELOGIN, "the provider wants a login" },
		{ "temporarily_unavailable", TOKEEP_ELATER, "the provider is busy: try again later" },
		{ "server_error", TOKEEP_ELATER, "the provider failed: try again later" },
	};
	const char *said = callback->error_description ? callback->error_description : "";
	int result = TOKEEP_ECLIENT;
	const char *meaning = "the provider refused the request: compare client_id, redirect_url and scope with "
			      "what is registered there";

	if (!callback->error)
		return 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(known[i].error, callback->error)) {
			result = known[i].result;
			meaning = known[i].meaning;
		}
	return error_set(err, result, "%s: %s%s%s: %s", client->name, callback->error, *said ? ": " : "", said,
			 meaning);
}

int callback_data_center(const struct callback *callback, const struct client *client, const char **name,
			 struct error *err)
{
	const char *server = callback->accounts_server, *known;

	*name = NULL;
	if (client->dialect != DIALECT_ZOHO || !server)
		return 0;
	known = client_data_center_of(client, server);
	if (!known)
		return error_set(err, TOKEEP_EREPLY,
				 "%s: the callback names %s as accounts server, which provider %s does not list, so the "
				 "client's secret is not sent there",
				 client->name, server, client->provider ? client->provider : "?");
	if (!client->data_center || strcmp(known, client->data_center))
		*name = known;
	return 0;
}
