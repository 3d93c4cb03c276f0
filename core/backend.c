/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backend.c: the handle that a store gets, and the guarded calls into it. */
#include "backend.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend_option.h"
#include "secret.h"

struct tokeep_sink {
	struct tokeep_backend *be;
	int (*each)(void *data, const struct tokeep_token *token);
	void *data;
	int result; /* not 0: somebody stopped */
};

/*
 * What the library lends
 */

const char *tokeep_backend_name(const struct tokeep_backend *be)
{
	return be->name;
}

void tokeep_backend_set_data(struct tokeep_backend *be, void *data)
{
	be->data = data;
}

void *tokeep_backend_data(struct tokeep_backend *be)
{
	return be->data;
}

int tokeep_backend_fail(struct tokeep_backend *be, int result, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = error_format(format, args);
	va_end(args);
	if (text)
		error_set(be->err, result, "%s", text);
	else
		error_nomem(be->err);
	free(text);
	return result;
}

void tokeep_backend_log(struct tokeep_backend *be, int level, const char *format, ...)
{
	va_list args;
	char *line;

	va_start(args, format);
	line = error_format(format, args);
	va_end(args);
	if (line)
		log_say(be->log, level, "%s: %s", be->name, line);
	free(line);
}

/*
 * Guards
 */

/* The result of a call, made sure of. */
static int settle(struct tokeep_backend *be, int r, const char *call)
{
	if (!r) {
		error_clear(be->err);
		return 0;
	}
	if (r > 0 || (r < TOKEEP_EHTTP && r != TOKEEP_ENOMEM && r != TOKEEP_EAMBIGUOUS))
		return error_set(be->err, TOKEEP_ESTORE, "%s: %s returned %d, which is no result of tokeep.h",
				 be->plugin.path, call, r);
	if (be->err->result != r || !be->err->text || !*be->err->text) {
		if (r == TOKEEP_ENOTFOUND)
			error_set(be->err, r, "%s: no such token", be->name);
		else if (r == TOKEEP_EAMBIGUOUS)
			error_set(be->err, r, "%s: more than one token fits", be->name);
		else if (r == TOKEEP_ENOMEM)
			error_nomem(be->err);
		else if (be->err->text && *be->err->text)
			be->err->result = r; /* the words of a call that failed before this one */
		else
			error_set(be->err, r, "%s: %s failed without saying why", be->plugin.path, call);
	}
	return r;
}

/* What came back from a plugin as a row: every value legal, an id in it. */
static int check_row(struct tokeep_backend *be, const struct tokeep_token *row, const char *call)
{
	if (row->value[TOKEEP_FIELD_ID])
		return 0;
	return error_set(be->err, TOKEEP_ESTORE, "%s: %s gave a token without an id", be->plugin.path, call);
}

static void close_store(struct tokeep_backend *be)
{
	if (be->plugin.ops.close)
		be->plugin.ops.close(be);
}

/* The plugin's own open, and what is to be said of the options. */
static int open_store(struct tokeep_backend *be)
{
	int r = 0;

	be->pid = 0;
	be->data = NULL;
	option_drop_all(be);
	error_clear(be->err);
	error_clear(&be->option_error);
	if (be->plugin.ops.open) {
		be->opening = true;
		r = settle(be, be->plugin.ops.open(be), "tokeep_store_open");
		be->opening = false;
	}
	if (be->option_error.result) {
		if (!r)
			close_store(be);
		error_move(be->err, &be->option_error);
		return be->err->result;
	}
	if (r)
		return option_place_refusal(be, r);
	r = option_refuse_unasked(be);
	if (r)
		close_store(be);
	else
		be->pid = getpid();
	return r;
}

static char *group_name(const char *word)
{
	const char *base = strrchr(word, '/');
	size_t n;

	if (!base)
		return strdup(word);
	n = strlen(++base);
	if (n > 3 && !strcmp(base + n - 3, ".so"))
		n -= 3;
	return strndup(base, n);
}

static void drop(struct tokeep_backend *be)
{
	option_drop_all(be);
	error_clear(&be->option_error);
	loader_free(&be->plugin);
	free(be->word);
	free(be->name);
	free(be);
}

int backend_load(const struct conf *conf, const char *word, const struct log *log, struct error *err,
		 struct tokeep_backend **bep)
{
	struct tokeep_backend *be = calloc(1, sizeof(*be));
	int r;

	if (!be)
		return error_nomem(err);
	be->conf = conf;
	be->log = log;
	be->err = err;
	be->group = conf_store_group(conf, word);
	be->word = strdup(word);
	be->name = group_name(word);
	if (be->word && be->name)
		r = loader_load(conf, word, &be->plugin, err);
	else
		r = error_nomem(err);
	if (r == TOKEEP_ELOAD && conf->store_setting && conf->store == word) {
		char *why = strdup(error_text(err));

		if (why)
			setting_refuse(conf->store_setting, err, "%s", why);
		err->result = r;
		free(why);
	}
	if (r) {
		drop(be);
		return r;
	}
	log_say(log, TOKEEP_LOG_DEBUG, "store %s is %s", be->name, be->plugin.path);
	*bep = be;
	return 0;
}

void backend_free(struct tokeep_backend *be)
{
	if (!be)
		return;
	if (be->pid == getpid())
		close_store(be);
	drop(be);
}

/* In a child of fork() what hangs on the handle is the parent's: left alone, opened anew. */
int backend_ready(struct tokeep_backend *be)
{
	if (be->pid == getpid()) {
		error_clear(be->err);
		return 0;
	}
	return open_store(be);
}

/*
 * The six
 */

/* A database's collation may take alice for Alice: such a row is not the one that was wanted. */
static int check_wanted(struct tokeep_backend *be, const struct tokeep_token *row,
			const struct tokeep_token *wanted)
{
	int r = check_row(be, row, "tokeep_store_find_token");

	if (r)
		return r;
	if (tokeep_token_matches(row, wanted))
		return 0;
	log_say(be->log, TOKEEP_LOG_WARNING, "%s: the store found another token than the one asked for",
		be->name);
	return settle(be, TOKEEP_ENOTFOUND, "tokeep_store_find_token");
}

int backend_find(struct tokeep_backend *be, struct tokeep_token *token)
{
	struct tokeep_token row = { { NULL } };
	int r = backend_ready(be);

	if (r)
		return r;
	if (tokeep_token_key(token) < 0)
		return error_set(be->err, TOKEEP_ENOTFOUND, "%s: no such token: nothing to look by", be->name);
	r = token_copy(&row, token);
	if (r)
		return error_nomem(be->err);
	r = settle(be, be->plugin.ops.find_token(be, &row), "tokeep_store_find_token");
	if (!r)
		r = check_wanted(be, &row, token);
	if (!r)
		token_move(token, &row);
	token_clear(&row);
	return r;
}

int backend_find_by_id(struct tokeep_backend *be, const char *id, struct tokeep_token *token)
{
	struct tokeep_token row = { { NULL } };
	int r = backend_ready(be);

	if (r)
		return r;
	if (!id || !*id)
		return settle(be, TOKEEP_ENOTFOUND, "tokeep_store_find_token_by_id");
	r = settle(be, be->plugin.ops.find_token_by_id(be, id, &row), "tokeep_store_find_token_by_id");
	if (!r)
		r = check_row(be, &row, "tokeep_store_find_token_by_id");
	if (!r && strcmp(row.value[TOKEEP_FIELD_ID], id))
		r = settle(be, TOKEEP_ENOTFOUND, "tokeep_store_find_token_by_id");
	if (!r)
		token_move(token, &row);
	token_clear(&row);
	return r;
}

static int take_id(struct tokeep_token *token, struct tokeep_token *saved)
{
	secret_free(token->value[TOKEEP_FIELD_ID]);
	token->value[TOKEEP_FIELD_ID] = saved->value[TOKEEP_FIELD_ID];
	saved->value[TOKEEP_FIELD_ID] = NULL; /* transferred */
	return 0;
}

int backend_save(struct tokeep_backend *be, struct tokeep_token *token)
{
	struct tokeep_token saved = { { NULL } };
	int r = backend_ready(be);

	if (r)
		return r;
	if (!token->value[TOKEEP_FIELD_ACCESS_TOKEN] && !token->value[TOKEEP_FIELD_REFRESH_TOKEN] &&
	    !token->value[TOKEEP_FIELD_GRANT_TOKEN])
		return error_set(be->err, TOKEEP_EINVAL,
				 "%s: nothing to keep: no access, refresh or grant token is given", be->name);
	if (token_copy(&saved, token))
		return error_nomem(be->err);
	r = settle(be, be->plugin.ops.save_token(be, &saved), "tokeep_store_save_token");
	if (!r)
		r = check_row(be, &saved, "tokeep_store_save_token");
	if (!r)
		r = take_id(token, &saved);
	token_clear(&saved);
	return r;
}

int backend_delete(struct tokeep_backend *be, const char *id)
{
	int r = backend_ready(be);

	if (r)
		return r;
	if (!id || !*id)
		return settle(be, TOKEEP_ENOTFOUND, "tokeep_store_delete_token");
	return settle(be, be->plugin.ops.delete_token(be, id), "tokeep_store_delete_token");
}

int tokeep_sink_put(struct tokeep_sink *sink, const struct tokeep_token *token)
{
	if (!sink->result)
		sink->result = check_row(sink->be, token, "tokeep_store_get_tokens");
	if (!sink->result)
		sink->result = sink->each(sink->data, token);
	return sink->result;
}

int backend_get_tokens(struct tokeep_backend *be, int (*each)(void *, const struct tokeep_token *), void *data)
{
	struct tokeep_sink sink = { .be = be, .each = each, .data = data };
	int r = backend_ready(be);

	if (r)
		return r;
	r = be->plugin.ops.get_tokens(be, &sink);
	/* What the caller stopped with is the caller's, whatever number it is. */
	return sink.result ? sink.result : settle(be, r, "tokeep_store_get_tokens");
}

int backend_delete_tokens(struct tokeep_backend *be)
{
	int r = backend_ready(be);

	return r ? r : settle(be, be->plugin.ops.delete_tokens(be), "tokeep_store_delete_tokens");
}

/*
 * The rest
 */

int backend_begin(struct tokeep_backend *be)
{
	int r = backend_ready(be);

	if (r || !be->plugin.ops.begin)
		return r;
	return settle(be, be->plugin.ops.begin(be), "tokeep_store_begin");
}

int backend_commit(struct tokeep_backend *be, int keep)
{
	int r = backend_ready(be);

	if (r || !be->plugin.ops.commit)
		return r;
	return settle(be, be->plugin.ops.commit(be, keep), "tokeep_store_commit");
}

/* For a plugin that can't compare and save in one: under the lease nobody of ours writes between. */
static int compare_and_save(struct tokeep_backend *be, struct tokeep_token *token, const char *old)
{
	struct tokeep_token row = { { NULL } };
	int r = backend_find_by_id(be, token->value[TOKEEP_FIELD_ID], &row);

	if (!r && !secret_equal(row.value[TOKEEP_FIELD_REFRESH_TOKEN], old))
		r = error_set(be->err, TOKEEP_ENOTFOUND, "%s: the refresh token is another one by now",
			      be->name);
	if (!r)
		r = backend_save(be, token);
	token_clear(&row);
	return r;
}

int backend_swap(struct tokeep_backend *be, struct tokeep_token *token, const char *old_refresh_token)
{
	struct tokeep_token saved = { { NULL } };
	int r = backend_ready(be);

	if (r)
		return r;
	if (!be->plugin.ops.swap_token)
		return compare_and_save(be, token, old_refresh_token);
	if (token_copy(&saved, token))
		return error_nomem(be->err);
	r = settle(be, be->plugin.ops.swap_token(be, &saved, old_refresh_token ? old_refresh_token : ""),
		   "tokeep_store_swap_token");
	token_clear(&saved);
	return r;
}

/* Without a probe: the access token that the row has is saved once more. */
static int save_again(struct tokeep_backend *be, const char *id)
{
	struct tokeep_token row = { { NULL } }, again = { { NULL } };
	static const int kept[] = { TOKEEP_FIELD_ID, TOKEEP_FIELD_ACCESS_TOKEN };
	int r = backend_find_by_id(be, id, &row);

	for (size_t i = 0; !r && i < sizeof(kept) / sizeof(*kept); i++)
		if (tokeep_token_set(&again, kept[i], row.value[kept[i]]))
			r = error_nomem(be->err);
	if (!r && !again.value[TOKEEP_FIELD_ACCESS_TOKEN] &&
	    tokeep_token_set(&again, TOKEEP_FIELD_REFRESH_TOKEN, row.value[TOKEEP_FIELD_REFRESH_TOKEN]))
		r = error_nomem(be->err);
	if (!r)
		r = backend_save(be, &again);
	token_clear(&row);
	token_clear(&again);
	return r;
}

int backend_probe(struct tokeep_backend *be, const struct tokeep_token *token)
{
	int r = backend_ready(be);

	if (r)
		return r;
	if (!be->plugin.ops.probe)
		return save_again(be, token->value[TOKEEP_FIELD_ID]);
	return settle(be, be->plugin.ops.probe(be, token), "tokeep_store_probe");
}

bool backend_has_lock(const struct tokeep_backend *be)
{
	return be->plugin.ops.lock;
}

int backend_lock(struct tokeep_backend *be, const char *key, int64_t wait_ms, int64_t hold_ms)
{
	int r = backend_ready(be);

	return r ? r : settle(be, be->plugin.ops.lock(be, key, wait_ms, hold_ms), "tokeep_store_lock");
}

int backend_unlock(struct tokeep_backend *be, const char *key)
{
	int r = backend_ready(be);

	return r ? r : settle(be, be->plugin.ops.unlock(be, key), "tokeep_store_unlock");
}

static uint64_t mix(uint64_t hash, const char *text)
{
	/* FNV-1a, the NUL included */
	do {
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	} while (*text++);
	return hash;
}

uint64_t backend_identity(const struct tokeep_backend *be)
{
	uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), be->plugin.path);

	for (const struct setting *s = be->group ? be->group->first : NULL; s; s = s->next) {
		if (!s->text || setting_secret_name(s->name))
			continue;
		hash = mix(mix(hash, s->name), s->text);
	}
	return hash;
}
