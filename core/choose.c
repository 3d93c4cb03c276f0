/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* choose.c: which token does a person mean who names a user, a client, or nothing? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "secret.h"

#define CHOICES_SHOWN 10

const char *context_client_id(const struct tokeep *tk, const char *name)
{
	const struct setting *clients = setting_member(tk->conf.root, "clients"), *client, *id;

	client = clients ? setting_member(clients, name) : NULL;
	id = client ? setting_member(client, "client_id") : NULL;
	return id ? id->text : NULL;
}

const char *tokeep_client_id(struct tokeep *tk, const char *client)
{
	const char *id = tk->loaded ? context_client_id(tk, client) : NULL;

	return id ? id : client;
}

struct choice {
	const char *user, *client_id;     /* wanted; NULL: any */
	const char *default_client_id;    /* NULL: none */
	struct tokeep_token first, first_default;
	int fits, fits_default;
	char *shown[CHOICES_SHOWN];
};

static bool equal(const char *wanted, const char *value)
{
	return !wanted || (value && !strcmp(wanted, value));
}

static char *show(const struct tokeep_token *row)
{
	const char *client_id = row->value[TOKEEP_FIELD_CLIENT_ID];
	char *text;

	if (asprintf(&text, "%s (id %s%s%s)", token_who(row), row->value[TOKEEP_FIELD_ID],
		     client_id ? ", client " : "", client_id ? client_id : "") < 0)
		return NULL;
	return text;
}

static int consider(void *data, const struct tokeep_token *row)
{
	struct choice *c = data;
	const char *user = row->value[TOKEEP_FIELD_USER_NAME], *client_id = row->value[TOKEEP_FIELD_CLIENT_ID];

	if (!equal(c->user, user) || !equal(c->client_id, client_id))
		return 0;
	if (!c->fits && token_copy(&c->first, row))
		return TOKEEP_ENOMEM;
	if (c->fits < CHOICES_SHOWN)
		c->shown[c->fits] = show(row);
	c->fits++;
	if (c->default_client_id && equal(c->default_client_id, client_id)) {
		if (!c->fits_default++ && token_copy(&c->first_default, row))
			return TOKEEP_ENOMEM;
	}
	/* Enough is known for the message once no default can decide. */
	return c->fits > CHOICES_SHOWN && (!c->default_client_id || c->fits_default > 1);
}

static int none(struct tokeep *tk, const struct choice *c)
{
	return error_set(&tk->err, TOKEEP_ENOTFOUND, "no token%s%s%s%s; run: tokeep list, or: tokeep login",
			 c->user ? " of " : " is there", c->user ? c->user : "",
			 c->client_id ? " for client " : "", c->client_id ? c->client_id : "");
}

static int decide(struct tokeep *tk, struct choice *c, struct tokeep_token *token)
{
	if (c->fits == 1)
		token_move(token, &c->first);
	else if (c->fits_default == 1)
		token_move(token, &c->first_default);
	if (c->fits == 1 || c->fits_default == 1) {
		error_clear(&tk->err);
		return 0;
	}
	if (!c->fits)
		return none(tk, c);
	error_set(&tk->err, TOKEEP_EAMBIGUOUS, "more than one token fits:");
	for (int i = 0; i < CHOICES_SHOWN && i < c->fits; i++)
		error_add(&tk->err, "%s %s", i ? "," : "", c->shown[i] ? c->shown[i] : "?");
	error_add(&tk->err, "%s; name the user, --client or --id", c->fits > CHOICES_SHOWN ? ", ..." : "");
	return TOKEEP_EAMBIGUOUS;
}

static int choose_among(struct tokeep *tk, struct choice *c, struct tokeep_token *token)
{
	int r = backend_get_tokens(tk->be, consider, c);

	/* Rows that can't be read may be the ones meant, but not where one that can be was named. */
	if (r > 0 || (r == TOKEEP_ESTORE && c->user && c->fits))
		r = 0;
	if (r == TOKEEP_ENOMEM)
		error_nomem(&tk->err);
	if (!r)
		r = decide(tk, c, token);
	token_clear(&c->first);
	token_clear(&c->first_default);
	for (int i = 0; i < CHOICES_SHOWN; i++)
		free(c->shown[i]);
	return r;
}

static int by_id(struct tokeep *tk, const struct choice *c, struct tokeep_token *token)
{
	struct tokeep_token row = { { NULL } };
	int r = backend_find_by_id(tk->be, token->value[TOKEEP_FIELD_ID], &row);

	if (!r && (!equal(c->user, row.value[TOKEEP_FIELD_USER_NAME]) ||
		   !equal(c->client_id, row.value[TOKEEP_FIELD_CLIENT_ID])))
		r = error_set(&tk->err, TOKEEP_ENOTFOUND, "token %s is another user's or client's",
			      token->value[TOKEEP_FIELD_ID]);
	if (!r)
		token_move(token, &row);
	token_clear(&row);
	return r;
}

/* The quick way, which is the usual one: a key that the store can look up. */
static int by_key(struct tokeep *tk, const struct choice *c, struct tokeep_token *token)
{
	struct tokeep_token row = { { NULL } };
	int r = token_copy(&row, token) ? TOKEEP_ENOMEM : tokeep_token_set(&row, TOKEEP_FIELD_CLIENT_ID, c->client_id);

	r = r ? error_nomem(&tk->err) : backend_find(tk->be, &row);
	if (!r)
		token_move(token, &row);
	token_clear(&row);
	return r;
}

int tokeep_choose_token(struct tokeep *tk, const char *client, struct tokeep_token *token)
{
	int r = context_store(tk);
	struct choice c = { .user = token->value[TOKEEP_FIELD_USER_NAME] };

	if (r)
		return r;
	c.client_id = client ? tokeep_client_id(tk, client) : token->value[TOKEEP_FIELD_CLIENT_ID];
	if (tk->conf.default_client)
		c.default_client_id = context_client_id(tk, tk->conf.default_client->text);
	if (token->value[TOKEEP_FIELD_ID])
		return by_id(tk, &c, token);
	if (tokeep_token_key(token) >= 0) {
		r = by_key(tk, &c, token);
		if (r == TOKEEP_ENOTFOUND && c.user)
			return none(tk, &c);
		if (r != TOKEEP_EAMBIGUOUS || !c.user)
			return r;
	}
	return choose_among(tk, &c, token);
}
