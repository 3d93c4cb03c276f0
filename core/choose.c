/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* choose.c: which token does a person mean who names a user, a client, or nothing? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "provider.h"
#include "secret.h"

#define CHOICES_SHOWN 10

static const struct setting *group_named(const struct tokeep *tk, const char *name)
{
	const struct setting *clients = name && tk->loaded ? setting_member(tk->conf.root, "clients") : NULL;

	return clients ? setting_member(clients, name) : NULL;
}

static const char *id_of(const struct setting *group)
{
	const struct setting *id = group ? setting_member(group, "client_id") : NULL;

	return id ? id->text : NULL;
}

const char *tokeep_client_id(struct tokeep *tk, const char *client)
{
	const char *id = id_of(group_named(tk, client));

	return id ? id : client;
}

/* A client as a person names it: of several groups with one client id at different servers, one of them. */
struct named {
	const char *client_id;       /* NULL: any */
	const struct setting *group; /* NULL: the client id says enough */
};

struct choice {
	struct tokeep *tk;
	const char *user;            /* wanted; NULL: any */
	struct named client, normal; /* wanted; default_client */
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

static struct named named(struct tokeep *tk, const char *name)
{
	const struct setting *group = group_named(tk, name), *other;
	struct named n = { name ? tokeep_client_id(tk, name) : NULL, NULL };

	for (other = id_of(group) ? group->parent->first : NULL; other; other = other->next)
		if (other != group && id_of(other) && !strcmp(id_of(other), n.client_id))
			n.group = group;
	return n;
}

static int is_of(struct tokeep *tk, const struct named *client, const struct tokeep_token *row, bool *is)
{
	*is = equal(client->client_id, row->value[TOKEEP_FIELD_CLIENT_ID]);
	return *is && client->group ? client_may_own(&tk->conf, client->group, row, is, &tk->err) : 0;
}

static int is_wanted(const struct choice *c, const struct tokeep_token *row, bool *is)
{
	*is = equal(c->user, row->value[TOKEEP_FIELD_USER_NAME]);
	return *is ? is_of(c->tk, &c->client, row, is) : 0;
}

static int consider(void *data, const struct tokeep_token *row)
{
	struct choice *c = data;
	bool is;
	int r = is_wanted(c, row, &is);

	if (r || !is)
		return r;
	if (!c->fits && token_copy(&c->first, row))
		return TOKEEP_ENOMEM;
	if (c->fits < CHOICES_SHOWN)
		c->shown[c->fits] = show(row);
	c->fits++;
	r = c->normal.client_id ? is_of(c->tk, &c->normal, row, &is) : 0;
	if (r)
		return r;
	if (c->normal.client_id && is && !c->fits_default++ && token_copy(&c->first_default, row))
		return TOKEEP_ENOMEM;
	/* Enough is known for the message once no default can decide. */
	return c->fits > CHOICES_SHOWN && (!c->normal.client_id || c->fits_default > 1);
}

static int none(struct tokeep *tk, const struct choice *c)
{
	return error_set(&tk->err, TOKEEP_ENOTFOUND, "no token%s%s%s%s; run: tokeep list, or: tokeep login",
			 c->user ? " of " : " is there", c->user ? c->user : "",
			 c->client.client_id ? " for client " : "",
			 c->client.group ? c->client.group->name : c->client.client_id ? c->client.client_id : "");
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
	bool is = true;

	if (!r)
		r = is_wanted(c, &row, &is);
	if (!is)
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
	int r = token_copy(&row, token) ? TOKEEP_ENOMEM :
					  tokeep_token_set(&row, TOKEEP_FIELD_CLIENT_ID, c->client.client_id);
	bool is = true;

	r = r ? error_nomem(&tk->err) : backend_find(tk->be, &row);
	if (!r && c->client.group)
		r = is_of(tk, &c->client, &row, &is);
	if (!is)
		r = none(tk, c);
	else if (!r)
		token_move(token, &row);
	token_clear(&row);
	return r;
}

int tokeep_choose_token(struct tokeep *tk, const char *client, struct tokeep_token *token)
{
	int r = context_store(tk);
	struct choice c = { .tk = tk, .user = token->value[TOKEEP_FIELD_USER_NAME] };

	if (r)
		return r;
	c.client = named(tk, client);
	if (!client)
		c.client.client_id = token->value[TOKEEP_FIELD_CLIENT_ID];
	if (tk->conf.default_client)
		c.normal = named(tk, tk->conf.default_client->text);
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
