/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* flow.c: find, still valid? else refresh (refresh.c), hand out. */
#include "flow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expiry.h"
#include "refresh.h"

int64_t flow_left_ms(const struct flow *flow, int64_t most)
{
	int64_t left;

	if (!flow->deadline_ms)
		return most;
	left = flow->deadline_ms - lease_clock_ms();
	if (left < 0)
		left = 0;
	return left < most ? left : most;
}

/* As it is typed at a shell: bare where it can be, else within single quotes. Caller frees. */
static char *shell_word(const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%+=:,./_-";
	char *word, *end;

	if (!text[strspn(text, plain)])
		return strdup(text);
	word = end = malloc(4 * strlen(text) + sizeof("''"));
	if (!word)
		return NULL;
	*end++ = '\'';
	for (; *text; text++)
		end = *text == '\'' ? mempcpy(end, "'\\''", 4) : mempcpy(end, text, 1);
	*end++ = '\'';
	*end = '\0';
	return word;
}

char *flow_login_words(const struct flow *flow, const struct tokeep_token *row)
{
	const char *named = tokeep_token_get(row, TOKEEP_FIELD_USER_NAME);
	char *user = named ? shell_word(named) : NULL, *words;
	struct error ignored = { .retry_after_s = -1 };
	struct client *client = NULL;
	const char *name = NULL;

	if (!client_for_token(flow->conf, row, &client, &ignored))
		name = client->name;
	error_clear(&ignored);
	if (asprintf(&words, "%s%s%s%s", name ? name : "CLIENT",
		     refresh_by_credentials(row) ? " --client-credentials" : "", user ? " --user " : "",
		     user ? user : "") < 0)
		words = NULL;
	free(user);
	client_free(client);
	return words;
}

/* Adds the command that begins anew. */
int flow_must_login(const struct flow *flow, const struct tokeep_token *row, int result)
{
	char *words = flow_login_words(flow, row);

	error_add(flow->err, "; run: tokeep login %s", words ? words : "");
	free(words);
	return result;
}

int flow_digest(const struct flow *flow, const char *secret, char hex[TRANSPORT_DIGEST_SIZE])
{
	const struct transport *transport;
	int r;

	*hex = '\0';
	if (!secret)
		return 0;
	r = http_transport(&transport, flow->err);
	return r ? r : transport->digest(secret, hex, flow->err);
}

int flow_discover(const struct flow *flow, struct client *client)
{
	struct oauth_net net = { .conf = flow->conf, .now_ms = expiry_now_ms(),
				 .timeout_ms = flow_left_ms(flow, flow->conf->timeout_s * 1000) };

	return discovery_complete(client, &net, flow->log, flow->err);
}

/* What is still valid is handed out when a refresh ahead of time fails. */
static int renew(const struct flow *flow, struct tokeep_token *row, int64_t min_ttl_s, bool now)
{
	int r = refresh_run(flow, row, min_ttl_s, now);

	if (r && r != TOKEEP_EUNSAVED && !now && expiry_alive(row, expiry_now_ms())) {
		log_say(flow->log, TOKEEP_LOG_WARNING, "%s; the token is still valid", error_text(flow->err));
		error_clear(flow->err);
		r = 0;
	}
	return r;
}

static int look_up(const struct flow *flow, const struct tokeep_token *wanted, struct tokeep_token *row)
{
	int r;

	if (wanted->value[TOKEEP_FIELD_ID])
		return backend_find_by_id(flow->be, wanted->value[TOKEEP_FIELD_ID], row);
	r = token_copy(row, wanted);
	return r ? error_nomem(flow->err) : backend_find(flow->be, row);
}

int flow_access(const struct flow *flow, struct tokeep_token *token, int64_t min_ttl_s, bool now)
{
	struct tokeep_token row = { { NULL } };
	int r = look_up(flow, token, &row);

	if (r) {
		token_clear(&row);
		return r == TOKEEP_ESTORE ? recover_unread(flow, token, r) : r;
	}
	r = expiry_policy(flow->conf, &row, expiry_now_ms(), flow->err);
	if (r)
		flow_must_login(flow, &row, r);
	else if (now || !expiry_fresh(&row, flow->conf->leeway_s, min_ttl_s, expiry_now_ms()))
		r = renew(flow, &row, min_ttl_s, now);
	if (!r && min_ttl_s && !expiry_reaches(&row, min_ttl_s, expiry_now_ms()))
		log_say(flow->log, TOKEEP_LOG_WARNING, "%s: the token lives for less than the %" PRId64 " s asked for",
			token_who(&row), min_ttl_s);
	if (!r || r == TOKEEP_EUNSAVED)
		token_move(token, &row);
	token_clear(&row);
	return r;
}

int flow_replace(const struct flow *flow, struct tokeep_token *token)
{
	struct tokeep_token row = { { NULL } };
	int r = token_copy(&row, token) ? error_nomem(flow->err) : refresh_run(flow, &row, 0, true);

	if (!r || r == TOKEEP_EUNSAVED)
		token_move(token, &row);
	token_clear(&row);
	return r;
}
