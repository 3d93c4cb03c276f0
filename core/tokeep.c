/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tokeep.c: the context, its store and the main call; each public function is a guard and one step below. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "expiry.h"
#include "secret.h"

#define MIN_TTL_MAX_S (366 * 24 * 3600)

static const struct {
	int result, exit_code;
	const char *name;
} classes[] = {
	{ TOKEEP_OK,         0,  "ok" },
	{ TOKEEP_EINTERNAL,  1,  "internal" },
	{ TOKEEP_ENOMEM,     1,  "internal" },
	{ TOKEEP_EINVAL,     2,  "usage" },
	{ TOKEEP_EAMBIGUOUS, 2,  "usage" },
	{ TOKEEP_ECONFIG,    3,  "config" },
	{ TOKEEP_ELOAD,      3,  "config" },
	{ TOKEEP_ENOTFOUND,  4,  "not_found" },
	{ TOKEEP_ELOGIN,     5,  "login_required" },
	{ TOKEEP_ETRANSPORT, 6,  "transport" },
	{ TOKEEP_ELATER,     7,  "retry_later" },
	{ TOKEEP_EREPLY,     8,  "invalid_response" },
	{ TOKEEP_ECLIENT,    9,  "client_rejected" },
	{ TOKEEP_ESTORE,     10, "store" },
	{ TOKEEP_EUNSAVED,   11, "unsaved" },
	{ TOKEEP_EHTTP,      12, "http" },
};

static size_t class_of(int result)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (classes[i].result == result)
			return i;
	return 1; /* internal */
}

int tokeep_exit_code(int result)
{
	return classes[class_of(result)].exit_code;
}

const char *tokeep_class_name(int result)
{
	return classes[class_of(result)].name;
}

const char *tokeep_version(void)
{
	return PACKAGE_VERSION;
}

/*
 * The context
 */

int tokeep_new(struct tokeep **tkp)
{
	struct tokeep *tk = calloc(1, sizeof(*tk));

	if (!tk)
		return TOKEEP_ENOMEM;
	error_clear(&tk->err);
	*tkp = tk;
	return 0;
}

void tokeep_free(struct tokeep *tk)
{
	if (!tk)
		return;
	backend_free(tk->be);
	if (tk->loaded)
		conf_free(&tk->conf);
	error_clear(&tk->err);
	free(tk->use);
	free(tk->own_file);
	free(tk);
}

int tokeep_load(struct tokeep *tk, const char *path)
{
	int r;

	error_clear(&tk->err);
	if (tk->loaded)
		return error_set(&tk->err, TOKEEP_EINVAL, "tokeep_load: this context has a configuration already");
	r = conf_read(&tk->conf, path, &tk->err);
	tk->loaded = !r;
	return r;
}

const char *tokeep_config_file(struct tokeep *tk, int *found)
{
	*found = tk->loaded && tk->conf.file && !tk->conf.empty;
	if (*found)
		return tk->conf.file;
	if (!tk->own_file)
		tk->own_file = places_config("tokeep.conf");
	return tk->own_file;
}

int tokeep_use_store(struct tokeep *tk, const char *name)
{
	int r = context_begin(tk);
	char *use = NULL;

	if (r)
		return r;
	if (name) {
		use = strdup(name);
		if (!use)
			return error_nomem(&tk->err);
	}
	backend_free(tk->be);
	tk->be = NULL;
	free(tk->use);
	tk->use = use;
	return 0;
}

unsigned int tokeep_scope(const struct tokeep *tk)
{
	return tk->be ? tk->be->plugin.scope : 0;
}

const char *tokeep_message(const struct tokeep *tk)
{
	return error_text(&tk->err);
}

int64_t tokeep_retry_after(const struct tokeep *tk)
{
	return tk->err.result ? tk->err.retry_after_s : -1;
}

void tokeep_set_log(struct tokeep *tk, void (*log)(void *, int, const char *), void *data)
{
	tk->log = (struct log){ log, data };
}

void tokeep_set_timeout(struct tokeep *tk, int64_t timeout_ms)
{
	tk->timeout_ms = timeout_ms > 0 ? timeout_ms : 0;
}

const char *context_word(const struct tokeep *tk)
{
	return tk->use ? tk->use : tk->conf.store;
}

int context_begin(struct tokeep *tk)
{
	error_clear(&tk->err);
	if (!tk->loaded)
		return error_set(&tk->err, TOKEEP_EINVAL, "tokeep_load was not called, or it failed");
	return 0;
}

static void flow_of(struct tokeep *tk, struct flow *flow)
{
	*flow = (struct flow){ .conf = &tk->conf, .be = tk->be, .log = &tk->log, .err = &tk->err };
	if (tk->timeout_ms)
		flow->deadline_ms = lease_clock_ms() + tk->timeout_ms;
}

int context_store(struct tokeep *tk)
{
	int r = context_begin(tk);
	struct flow flow;

	if (!r && !tk->be)
		r = backend_load(&tk->conf, context_word(tk), &tk->log, &tk->err, &tk->be);
	if (r || tk->recovered)
		return r;
	tk->recovered = true;
	flow_of(tk, &flow);
	recover_all(&flow);
	return 0;
}

int context_flow(struct tokeep *tk, struct flow *flow)
{
	int r = context_store(tk);

	if (!r)
		flow_of(tk, flow);
	return r;
}

/*
 * The store
 */

int tokeep_find_token(struct tokeep *tk, struct tokeep_token *token)
{
	int r = context_store(tk);

	return r ? r : backend_find(tk->be, token);
}

int tokeep_find_token_by_id(struct tokeep *tk, const char *id, struct tokeep_token *token)
{
	int r = context_store(tk);

	return r ? r : backend_find_by_id(tk->be, id, token);
}

int tokeep_save_token(struct tokeep *tk, struct tokeep_token *token)
{
	int r = context_store(tk);

	return r ? r : backend_save(tk->be, token);
}

int tokeep_delete_token(struct tokeep *tk, const char *id)
{
	struct flow flow;
	int r = context_flow(tk, &flow);

	if (!r)
		r = backend_delete(tk->be, id);
	if (!r || (r == TOKEEP_ENOTFOUND && id))
		recover_forget(&flow, id);
	return r;
}

int tokeep_get_tokens(struct tokeep *tk, int (*each)(void *, const struct tokeep_token *), void *data)
{
	int r = context_store(tk);

	return r ? r : backend_get_tokens(tk->be, each, data);
}

int tokeep_delete_tokens(struct tokeep *tk)
{
	struct flow flow;
	int r = context_flow(tk, &flow);

	if (!r)
		r = backend_delete_tokens(tk->be);
	if (!r)
		recover_forget(&flow, NULL);
	return r;
}

int tokeep_begin(struct tokeep *tk)
{
	int r = context_store(tk);

	return r ? r : backend_begin(tk->be);
}

int tokeep_commit(struct tokeep *tk, int keep)
{
	int r = context_store(tk);

	return r ? r : backend_commit(tk->be, keep);
}

/*
 * A valid access token
 */

int tokeep_access_token(struct tokeep *tk, struct tokeep_token *token, int64_t min_ttl_s)
{
	struct flow flow;
	int r = context_flow(tk, &flow);

	if (!r && (min_ttl_s < 0 || min_ttl_s > MIN_TTL_MAX_S))
		r = error_set(&tk->err, TOKEEP_EINVAL, "min_ttl: %lld s is out of range: 0 to %d",
			      (long long)min_ttl_s, MIN_TTL_MAX_S);
	return r ? r : flow_access(&flow, token, min_ttl_s, false);
}

int tokeep_refresh_token(struct tokeep *tk, struct tokeep_token *token)
{
	struct flow flow;
	int r = context_flow(tk, &flow);

	return r ? r : flow_access(&flow, token, 0, true);
}

int tokeep_header_word(struct tokeep *tk, const struct tokeep_token *token, char *word, int size)
{
	struct client *client;
	int r = context_begin(tk);
	const char *header = "Bearer";

	if (r)
		return r;
	/* A record that no client knows can still be used, as the standard says. */
	if (client_for_token(&tk->conf, token, &client, &tk->err))
		client = NULL;
	else
		header = client->header;
	error_clear(&tk->err);
	if (size > 0 && strlen(header) < (size_t)size)
		memcpy(word, header, strlen(header) + 1);
	else
		r = error_set(&tk->err, TOKEEP_EINVAL, "%s: longer than the %d bytes there are for it", header, size);
	client_free(client);
	return r;
}
