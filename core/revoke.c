/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* revoke.c: a token is given back: revoked at the provider (RFC 7009, and Zoho), then deleted here. */
#include <signal.h>
#include <string.h>

#include "context.h"
#include "expiry.h"

/* The server doesn't know the token (any more), which is what was wanted. RFC 7009 answers 200; these don't. */
static bool gone(const struct oauth_result *result)
{
	static const char *const words[] = { "invalid_grant", "invalid_code", "invalid_token" };

	for (size_t i = 0; result->error && i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(result->error, words[i]))
			return true;
	return false;
}

static int ask(const struct flow *flow, struct client *client, const char *secret, const char *hint)
{
	struct oauth_net net = { .conf = flow->conf, .now_ms = expiry_now_ms(),
				 .timeout_ms = flow_left_ms(flow, flow->conf->timeout_s * 1000) };
	struct form form = { NULL, 0, 0, false };
	struct http_response response;
	struct oauth_result result;
	int r;

	form_add(&form, "token", secret);
	form_add(&form, "token_type_hint", hint);
	r = oauth_ask(client, &net, client->revocation_url, &form, OAUTH_REFRESH, &response, &result, flow->err);
	if (r && gone(&result)) {
		log_say(flow->log, TOKEEP_LOG_NOTICE, "%s: the provider no longer knows the token (%s)", client->revocation_url,
			result.error);
		error_clear(flow->err);
		r = 0;
	}
	oauth_result_free(&result);
	http_response_free(&response);
	return r;
}

static int no_endpoint(const struct flow *flow, const struct client *client, const struct tokeep_token *row)
{
	return error_set(flow->err, TOKEEP_ECONFIG,
			 "%s: client %s: revocation_url is missing: neither the client nor its provider has it, nor the "
			 "issuer's metadata",
			 token_who(row), client->name ? client->name : client->client_id);
}

/* The access tokens of a refresh token die with it. */
static int revoke_at_provider(const struct flow *flow, const struct tokeep_token *row)
{
	const char *refresh = row->value[TOKEEP_FIELD_REFRESH_TOKEN], *access = row->value[TOKEEP_FIELD_ACCESS_TOKEN];
	struct client *client = NULL;
	int r;

	if (!refresh && !access) {
		log_say(flow->log, TOKEEP_LOG_NOTICE, "%s: there is no token that could be revoked", token_who(row));
		return 0;
	}
	r = client_for_token(flow->conf, row, &client, flow->err);
	if (!r)
		r = flow_discover(flow, client);
	if (!r && !client->revocation_url)
		r = no_endpoint(flow, client, row);
	if (!r)
		r = ask(flow, client, refresh ? refresh : access, refresh ? "refresh_token" : "access_token");
	client_free(client);
	if (r)
		error_add(flow->err, "; the token is kept; run: tokeep revoke --id %s --local, to delete it here alone",
			  row->value[TOKEEP_FIELD_ID]);
	return r;
}

static int revoke_and_delete(const struct flow *flow, const struct tokeep_token *row, bool local_only)
{
	const char *id = row->value[TOKEEP_FIELD_ID];
	sigset_t saved;
	int r;

	exchange_hold_signals(&saved);
	r = local_only ? 0 : revoke_at_provider(flow, row);
	if (!r) {
		r = backend_delete(flow->be, id);
		if (r && !local_only)
			error_add(flow->err, "; the token was revoked at the provider, but is still stored; run: tokeep delete %s",
				  id);
	}
	if (!r)
		recover_forget(flow, id);
	exchange_release_signals(&saved);
	return r;
}

/* Under the record's lease, so that nobody refreshes what is going. */
static int with_lease(const struct flow *flow, struct tokeep_token *row, bool local_only)
{
	const int64_t wait_ms = flow_left_ms(flow, flow->conf->lock_timeout_s * 1000);
	const int64_t hold_ms = (flow->conf->timeout_s + flow->conf->lock_timeout_s) * 1000 / 2;
	const char *id = row->value[TOKEEP_FIELD_ID];
	struct tokeep_token now = { { NULL } };
	struct lease lease;
	int r = lease_take(&lease, flow->be, id, wait_ms, hold_ms, flow->err);

	if (r)
		return r;
	r = backend_find_by_id(flow->be, id, &now);
	if (!r)
		r = revoke_and_delete(flow, &now, local_only);
	if (!r)
		token_move(row, &now);
	lease_release(&lease, flow->err);
	token_clear(&now);
	return r;
}

int tokeep_revoke_token(struct tokeep *tk, struct tokeep_token *token, int local_only)
{
	struct tokeep_token row = { { NULL } };
	struct flow flow;
	int r = context_flow(tk, &flow);

	if (!r && token->value[TOKEEP_FIELD_ID])
		r = backend_find_by_id(tk->be, token->value[TOKEEP_FIELD_ID], &row);
	else if (!r)
		r = token_copy(&row, token) ? error_nomem(&tk->err) : backend_find(tk->be, &row);
	if (!r)
		r = with_lease(&flow, &row, local_only);
	if (!r)
		token_move(token, &row);
	token_clear(&row);
	return r;
}
