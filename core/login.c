/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * login.c: a grant becomes a stored token. Every way to log in ends here: ask, note the answer, find out whose it
 * is, save. What is asked comes from the way; all the rest is one path.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "expiry.h"
#include "login.h"
#include "secret.h"

/* Zoho: new refresh tokens for a client in a minute. */
#define ZOHO_LOGINS 5
#define ZOHO_WINDOW_MS (60 * 1000)

/* What the login is for, before anything is asked. */
static int describe(const struct login *login, const struct client *client, const struct tokeep_token *token,
		    struct tokeep_token *row)
{
	const char *scope = token->value[TOKEEP_FIELD_SCOPE] ? token->value[TOKEEP_FIELD_SCOPE] : client->scope;
	int r = tokeep_token_set(row, TOKEEP_FIELD_USER_NAME, token->value[TOKEEP_FIELD_USER_NAME]);

	if (!r)
		r = tokeep_token_set(row, TOKEEP_FIELD_CLIENT_ID, client->client_id);
	if (!r)
		r = tokeep_token_set(row, TOKEEP_FIELD_SCOPE, scope);
	if (!r)
		r = tokeep_token_set(row, TOKEEP_FIELD_REDIRECT_URL, login->redirect_url);
	if (!r)
		r = tokeep_token_set(row, TOKEEP_FIELD_API_DOMAIN, client->api_domain);
	if (!r)
		r = tokeep_token_set(row, TOKEEP_FIELD_GRANT_TYPE, login->grant_type);
	if (!r && login->keeps_refresh_token)
		r = tokeep_token_set(row, TOKEEP_FIELD_REFRESH_TOKEN, login->secret);
	if (!r && login->keeps_code && client->dialect == DIALECT_ZOHO)
		r = tokeep_token_set(row, TOKEEP_FIELD_GRANT_TOKEN, login->secret);
	if (!r)
		r = token_set_time(row, TOKEEP_FIELD_ISSUED_TIME, expiry_now_ms());
	return r;
}

/* Where an SDK that shares the store needs it. */
static int add_secret(struct client *client, struct tokeep_token *row, struct error *err)
{
	const char *secret;
	int r;

	if (!client->save_client_secret)
		return 0;
	r = client_secret(client, &secret, err);
	if (!r && tokeep_token_set(row, TOKEEP_FIELD_CLIENT_SECRET, secret))
		r = error_nomem(err);
	return r;
}

/* The row that this login is going to replace, if its user is known: could it be written? */
static int prove(const struct flow *flow, const struct tokeep_token *row)
{
	struct tokeep_token stored = { { NULL } };
	int r;

	if (!row->value[TOKEEP_FIELD_USER_NAME])
		return 0;
	r = tokeep_token_set(&stored, TOKEEP_FIELD_USER_NAME, row->value[TOKEEP_FIELD_USER_NAME]) ||
	    tokeep_token_set(&stored, TOKEEP_FIELD_CLIENT_ID, row->value[TOKEEP_FIELD_CLIENT_ID]) ?
		    error_nomem(flow->err) :
		    backend_find(flow->be, &stored);
	if (!r)
		r = backend_probe(flow->be, &stored);
	if (r == TOKEEP_ENOTFOUND) {
		error_clear(flow->err);
		r = 0;
	}
	if (r)
		error_add(flow->err, "; so nothing was asked for");
	token_clear(&stored);
	return r;
}

static int within_budget(const struct flow *flow, const struct client *client, const char *key, struct pause *pause)
{
	int64_t wait_ms;

	pause_read(flow->be, key, pause);
	if (client->dialect != DIALECT_ZOHO)
		return 0;
	wait_ms = pause_budget_ms(pause, ZOHO_LOGINS, ZOHO_WINDOW_MS, expiry_now_ms());
	if (!wait_ms)
		return 0;
	error_set(flow->err, TOKEEP_ELATER, "%s: Zoho gives 5 refresh tokens in a minute: the next may be asked for "
		  "in %d s", client->name, (int)((wait_ms + 999) / 1000));
	flow->err->retry_after_s = (wait_ms + 999) / 1000;
	return TOKEEP_ELATER;
}

/* Under the lease of the row that is there, so that no refresh of the old grant lands on the new one. */
static int save_login(const struct flow *flow, struct tokeep_token *record, const char *old)
{
	struct tokeep_token stored = { { NULL } };
	struct lease lease = { .fd = -1 };
	int r = token_copy(&stored, record) ? error_nomem(flow->err) : backend_find(flow->be, &stored);

	(void)old;
	if (!r) {
		const char *id = stored.value[TOKEEP_FIELD_ID];

		r = lease_take(&lease, flow->be, id, flow->conf->lock_timeout_s * 1000,
			       flow->conf->lock_timeout_s * 1000, flow->err);
		if (!r && tokeep_token_set(record, TOKEEP_FIELD_ID, id))
			r = error_nomem(flow->err);
		if (!r)
			r = backend_save(flow->be, record);
		if (!r)
			pause_remove(flow->be, id);
		lease_release(&lease, flow->err);
	} else if (r == TOKEEP_ENOTFOUND) {
		r = backend_save(flow->be, record);
	}
	token_clear(&stored);
	return r;
}

/* Whose token it is: as the caller said, as the provider says, else the client's name. */
static int name_user(struct exchange *x, struct tokeep_token *record)
{
	char *name = NULL;
	int r = 0;

	if (record->value[TOKEEP_FIELD_USER_NAME])
		return 0;
	oauth_user_name(x->client, x->flow->conf, &x->result, record->value[TOKEEP_FIELD_ACCESS_TOKEN],
			flow_left_ms(x->flow, x->flow->conf->timeout_s * 1000), &name, x->flow->err);
	if (x->flow->err->result)
		log_say(x->flow->log, TOKEEP_LOG_NOTICE, "%s; the token is saved as user %s", error_text(x->flow->err),
			x->client->name);
	error_clear(x->flow->err);
	if (tokeep_token_set(record, TOKEEP_FIELD_USER_NAME, name ? name : x->client->name))
		r = error_nomem(x->flow->err);
	free(name);
	return r;
}

static int keep(struct exchange *x, struct tokeep_token *record)
{
	int r = exchange_record(x, record);
	bool named;

	if (r)
		return r;
	exchange_note(x, record); /* before anything else can fail */
	named = record->value[TOKEEP_FIELD_USER_NAME];
	r = name_user(x, record);
	if (!r && !named)
		exchange_note(x, record);
	if (!r)
		r = exchange_save(x, record, save_login, NULL);
	return r;
}

/* The narrower scope is the user's choice, and worth a word. */
static void compare_scope(const struct flow *flow, const struct tokeep_token *row, const struct tokeep_token *record)
{
	const char *asked = row->value[TOKEEP_FIELD_SCOPE], *got = record->value[TOKEEP_FIELD_SCOPE];

	if (asked && got && strlen(got) < strlen(asked))
		log_say(flow->log, TOKEEP_LOG_NOTICE, "%s: the scope is narrower than asked for: %s", token_who(record), got);
}

static int log_in(const struct flow *flow, struct client *client, const struct login *login,
		  struct tokeep_token *row, struct tokeep_token *token)
{
	struct exchange x = { .flow = flow, .client = client, .journal.fd = -1, .ask = login->ask,
			      .secret = login->secret, .data = login, .row = row };
	struct tokeep_token record = { { NULL } };
	sigset_t saved;
	int r = flow_digest(flow, login->secret, x.digest);

	exchange_hold_signals(&saved);
	if (!r)
		r = exchange_send(&x);
	if (r) {
		journal_drop(&x.journal);
	} else {
		r = keep(&x, &record);
		compare_scope(flow, row, &record);
	}
	exchange_release_signals(&saved);
	if (!r || r == TOKEEP_EUNSAVED)
		token_move(token, &record);
	token_clear(&record);
	exchange_free(&x);
	return r;
}

/* All that can be known before anything is asked: what the row will be, and that it can be kept. */
static int prepare(const struct flow *flow, struct client *client, const struct login *login,
		   const struct tokeep_token *token, struct tokeep_token *row, struct pause *pause, char **key)
{
	int r = flow_discover(flow, client);

	if (r)
		return r;
	r = describe(login, client, token, row);
	if (r == TOKEEP_EINVAL)
		error_set(flow->err, r, "%s: a value can't be stored: a line break is in it, or it is longer than %d bytes",
			  client->name, TOKEEP_VALUE_MAX);
	else if (r || asprintf(key, "login:%s", client->name) < 0)
		r = error_nomem(flow->err);
	if (!r)
		r = add_secret(client, row, flow->err);
	if (!r)
		r = within_budget(flow, client, *key, pause);
	if (!r)
		r = prove(flow, row);
	return r;
}

int login_prove(const struct flow *flow, struct client *client, const struct login *login,
		const struct tokeep_token *token)
{
	struct tokeep_token row = { { NULL } };
	struct pause pause = { .result = 0 };
	char *key = NULL;
	int r = prepare(flow, client, login, token, &row, &pause, &key);

	free(key);
	pause_free(&pause);
	token_clear(&row);
	return r;
}

int login_run(const struct flow *flow, struct client *client, const struct login *login,
	      struct tokeep_token *token)
{
	struct tokeep_token row = { { NULL } };
	struct pause pause = { .result = 0 };
	char *key = NULL;
	int r = prepare(flow, client, login, token, &row, &pause, &key);

	if (!r)
		r = log_in(flow, client, login, &row, token);
	if (!r && client->dialect == DIALECT_ZOHO) {
		pause_stamp(&pause, expiry_now_ms());
		pause_write(flow->be, key, &pause);
	}
	free(key);
	pause_free(&pause);
	token_clear(&row);
	return r;
}

/*
 * The ways
 */

static int ask_refresh(const struct exchange *x, const struct oauth_net *net, struct oauth_result *result)
{
	return oauth_refresh(x->client, net, x->secret, NULL, result, x->flow->err);
}

static int ask_code(const struct exchange *x, const struct oauth_net *net, struct oauth_result *result)
{
	const struct login *login = x->data;

	return oauth_exchange(x->client, net, x->secret, login->redirect_url, login->code_verifier, result,
			      x->flow->err);
}

int tokeep_login_refresh_token(struct tokeep *tk, const char *name, const char *refresh_token,
			       struct tokeep_token *token)
{
	struct login login = { .ask = ask_refresh, .secret = refresh_token, .grant_type = "refresh_token",
			       .keeps_refresh_token = true };
	struct client *client = NULL;
	struct flow flow;
	int r = context_flow(tk, &flow);

	if (!r && (!refresh_token || !*refresh_token))
		r = error_set(&tk->err, TOKEEP_EINVAL, "login: no refresh token is given");
	if (!r)
		r = client_named(&tk->conf, name, NULL, &client, &tk->err);
	if (!r)
		r = login_run(&flow, client, &login, token);
	client_free(client);
	return r;
}

static int ask_credentials(const struct exchange *x, const struct oauth_net *net, struct oauth_result *result)
{
	return oauth_client_credentials(x->client, net, x->row->value[TOKEEP_FIELD_SCOPE], result, x->flow->err);
}

/* No user takes part, so the client's name stands for one. */
static int with_credentials(const struct flow *flow, struct client *client, struct tokeep_token *token)
{
	struct login login = { .ask = ask_credentials, .grant_type = "client_credentials" };

	if (!token->value[TOKEEP_FIELD_USER_NAME] && tokeep_token_set(token, TOKEEP_FIELD_USER_NAME, client->name))
		return error_nomem(flow->err);
	return login_run(flow, client, &login, token);
}

int tokeep_login_client_credentials(struct tokeep *tk, const char *name, struct tokeep_token *token)
{
	struct client *client = NULL;
	struct flow flow;
	int r = context_flow(tk, &flow);

	if (!r)
		r = client_named(&tk->conf, name, NULL, &client, &tk->err);
	if (!r)
		r = with_credentials(&flow, client, token);
	client_free(client);
	return r;
}

int login_with_code(const struct flow *flow, struct client *client, const char *code, const char *redirect_url,
		    const char *code_verifier, struct tokeep_token *token)
{
	struct login login = { .ask = ask_code, .secret = code, .grant_type = "authorization_code",
			       .redirect_url = redirect_url, .code_verifier = code_verifier, .keeps_code = true };

	return login_run(flow, client, &login, token);
}

/* The client at the data centre where the user's account lives. */
static int move_client(const struct flow *flow, const struct callback *callback, struct client **client)
{
	const char *data_center = NULL;
	struct client *moved;
	int r = callback_data_center(callback, *client, &data_center, flow->err);

	if (r || !data_center)
		return r;
	r = client_named(flow->conf, (*client)->name, data_center, &moved, flow->err);
	if (r)
		return r;
	client_free(*client);
	*client = moved;
	return 0;
}

int login_with_callback(const struct flow *flow, struct client **client, const struct callback *callback,
			const char *redirect_url, const char *code_verifier, struct tokeep_token *token)
{
	int r = callback_refusal(callback, *client, flow->err);

	if (!r && !callback->code)
		r = error_set(flow->err, TOKEEP_EINVAL, "%s: there is no code in the callback URL", (*client)->name);
	if (!r)
		r = move_client(flow, callback, client);
	return r ? r : login_with_code(flow, *client, callback->code, redirect_url, code_verifier, token);
}

/* What was pasted: a bare code, or the whole URL that the browser ended at. */
static int with_pasted(const struct flow *flow, struct client **client, const char *pasted,
		       struct tokeep_token *token)
{
	const char *redirect_url = (*client)->redirect_url;
	struct callback callback = { .code = NULL };
	int r;

	if (!strstr(pasted, "://") && !strstr(pasted, "code="))
		return login_with_code(flow, *client, pasted, redirect_url, NULL, token);
	r = callback_read(pasted, &callback, flow->err);
	if (!r)
		r = login_with_callback(flow, client, &callback, redirect_url, NULL, token);
	callback_free(&callback);
	return r;
}

int tokeep_login_code(struct tokeep *tk, const char *name, const char *code, struct tokeep_token *token)
{
	struct client *client = NULL;
	struct flow flow;
	int r = context_flow(tk, &flow);

	if (!r && (!code || !*code))
		r = error_set(&tk->err, TOKEEP_EINVAL, "login: no code is given");
	if (!r)
		r = client_named(&tk->conf, name, NULL, &client, &tk->err);
	if (!r)
		r = with_pasted(&flow, &client, code, token);
	client_free(client);
	return r;
}
