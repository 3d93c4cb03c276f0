/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* token.c: the record, and the one rule by which records are told apart. */
#include "token.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secret.h"

static const struct {
	const char *name;
	bool secret; /* printed only where asked for */
} fields[TOKEN_FIELDS] = {
	[TOKEEP_FIELD_ID]             = { "id",             false },
	[TOKEEP_FIELD_USER_NAME]      = { "user_name",      false },
	[TOKEEP_FIELD_CLIENT_ID]      = { "client_id",      false },
	[TOKEEP_FIELD_CLIENT_SECRET]  = { "client_secret",  true  },
	[TOKEEP_FIELD_REFRESH_TOKEN]  = { "refresh_token",  true  },
	[TOKEEP_FIELD_ACCESS_TOKEN]   = { "access_token",   true  },
	[TOKEEP_FIELD_GRANT_TOKEN]    = { "grant_token",    true  },
	[TOKEEP_FIELD_EXPIRY_TIME]    = { "expiry_time",    false },
	[TOKEEP_FIELD_REDIRECT_URL]   = { "redirect_url",   false },
	[TOKEEP_FIELD_API_DOMAIN]     = { "api_domain",     false },
	[TOKEEP_FIELD_SCOPE]          = { "scope",          false },
	[TOKEEP_FIELD_TOKEN_TYPE]     = { "token_type",     false },
	[TOKEEP_FIELD_GRANT_TYPE]     = { "grant_type",     false },
	[TOKEEP_FIELD_ISSUER]         = { "issuer",         false },
	[TOKEEP_FIELD_ISSUED_TIME]    = { "issued_time",    false },
	[TOKEEP_FIELD_REFRESHED_TIME] = { "refreshed_time", false },
	[TOKEEP_FIELD_STATUS]         = { "status",         false },
};

static bool is_field(int field)
{
	return field >= 0 && field < TOKEN_FIELDS;
}

const char *tokeep_field_name(int field)
{
	return is_field(field) ? fields[field].name : NULL;
}

int token_field(const char *name)
{
	for (int f = 0; f < TOKEN_FIELDS; f++)
		if (!strcmp(fields[f].name, name))
			return f;
	return -1;
}

int tokeep_field_secret(int field)
{
	return is_field(field) && fields[field].secret;
}

struct tokeep_token *tokeep_token_new(void)
{
	return calloc(1, sizeof(struct tokeep_token));
}

void token_clear(struct tokeep_token *token)
{
	for (int f = 0; f < TOKEN_FIELDS; f++) {
		secret_free(token->value[f]);
		token->value[f] = NULL;
	}
}

void tokeep_token_free(struct tokeep_token *token)
{
	if (token)
		token_clear(token);
	free(token);
}

const char *tokeep_token_get(const struct tokeep_token *token, int field)
{
	return is_field(field) ? token->value[field] : NULL;
}

const char *token_refusal(const char *value)
{
	size_t size = strcspn(value, "\r\n");

	if (value[size])
		return "a line break is in it";
	if (size > TOKEEP_VALUE_MAX)
		return "longer than 65536 bytes";
	return NULL;
}

int tokeep_token_set(struct tokeep_token *token, int field, const char *value)
{
	char *copy = NULL;

	if (!is_field(field))
		return TOKEEP_EINVAL;
	if (value && *value) {
		if (token_refusal(value))
			return TOKEEP_EINVAL;
		copy = strdup(value);
		if (!copy)
			return TOKEEP_ENOMEM;
	}
	secret_free(token->value[field]); /* after copying: value may be the old one */
	token->value[field] = copy;
	return 0;
}

int token_copy(struct tokeep_token *to, const struct tokeep_token *from)
{
	struct tokeep_token copy = { { NULL } };

	for (int f = 0; f < TOKEN_FIELDS; f++) {
		if (!from->value[f])
			continue;
		copy.value[f] = strdup(from->value[f]);
		if (!copy.value[f]) {
			token_clear(&copy);
			return TOKEEP_ENOMEM;
		}
	}
	token_move(to, &copy);
	return 0;
}

void token_move(struct tokeep_token *to, struct tokeep_token *from)
{
	token_clear(to);
	*to = *from;
	memset(from, 0, sizeof(*from)); /* transferred */
}

bool token_empty(const struct tokeep_token *token)
{
	for (int f = 0; f < TOKEN_FIELDS; f++)
		if (token->value[f])
			return false;
	return true;
}

const char *token_who(const struct tokeep_token *token)
{
	const char *user = token->value[TOKEEP_FIELD_USER_NAME], *id = token->value[TOKEEP_FIELD_ID];

	return user ? user : id ? id : "the token";
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool token_same(const struct tokeep_token *a, const struct tokeep_token *b)
{
	for (int f = 0; f < TOKEN_FIELDS; f++)
		if (!same(a->value[f], b->value[f]))
			return false;
	return true;
}

int tokeep_token_merge(struct tokeep_token *token, const struct tokeep_token *row)
{
	for (int f = 0; f < TOKEN_FIELDS; f++) {
		if (token->value[f] || !row->value[f])
			continue;
		token->value[f] = strdup(row->value[f]);
		if (!token->value[f])
			return TOKEEP_ENOMEM;
	}
	return 0;
}

int64_t token_time_ms(const struct tokeep_token *token, int field)
{
	const char *text = token->value[field];
	char *end;
	long long ms;

	if (!text || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	ms = strtoll(text, &end, 10);
	return errno || *end ? -1 : ms;
}

int token_set_time(struct tokeep_token *token, int field, int64_t ms)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, ms);
	return tokeep_token_set(token, field, text);
}

/*
 * The matching rule: user_name, else access_token where neither client id nor secret is given, else grant_token,
 * else refresh_token. The first that is given decides, even if it then matches nothing.
 */

int tokeep_token_key(const struct tokeep_token *wanted)
{
	char *const *v = wanted->value;

	if (v[TOKEEP_FIELD_USER_NAME])
		return TOKEEP_FIELD_USER_NAME;
	if (v[TOKEEP_FIELD_ACCESS_TOKEN] && !v[TOKEEP_FIELD_CLIENT_ID] && !v[TOKEEP_FIELD_CLIENT_SECRET])
		return TOKEEP_FIELD_ACCESS_TOKEN;
	if (v[TOKEEP_FIELD_GRANT_TOKEN])
		return TOKEEP_FIELD_GRANT_TOKEN;
	if (v[TOKEEP_FIELD_REFRESH_TOKEN])
		return TOKEEP_FIELD_REFRESH_TOKEN;
	return -1;
}

int tokeep_token_matches(const struct tokeep_token *row, const struct tokeep_token *wanted)
{
	const char *client_id = wanted->value[TOKEEP_FIELD_CLIENT_ID];
	int key = tokeep_token_key(wanted);

	if (key < 0 || !same(row->value[key], wanted->value[key]))
		return 0;
	if (key == TOKEEP_FIELD_ACCESS_TOKEN || !client_id)
		return 1;
	if (!row->value[TOKEEP_FIELD_CLIENT_ID])
		return 2;
	return same(row->value[TOKEEP_FIELD_CLIENT_ID], client_id);
}
