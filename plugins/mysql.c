/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mysql.c: tokens in a table of a MariaDB or MySQL server, shared by hosts; mysql_store.h names the parts.
 *
 *     store = "mysql";
 *     mysql = { host = "localhost"; database = "zohooauth"; table = "oauthtoken"; user = "tokeep";
 *               password_file = "/etc/tokeep/mysql"; };
 *
 * The server is first asked when the first token is: tokens that wait in the journal can be handed out while it is down.
 */
#include "mysql_store.h"

#include <stdlib.h>
#include <string.h>

const unsigned int tokeep_store_abi = TOKEEP_STORE_ABI;
const unsigned int tokeep_store_scope = TOKEEP_SCOPE_CLUSTER;
const char tokeep_store_description[] = "a table of a MariaDB or MySQL server, shared by hosts";

static void drop(struct store *s)
{
	connection_drop(s);
	tokeep_token_free(s->saved);
	free(s->where);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

int tokeep_store_open(struct tokeep_backend *be)
{
	struct store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return TOKEEP_ENOMEM;
	s->be = be;
	s->doing = "";
	r = options_read(s);
	if (r) {
		drop(s);
		return r;
	}
	tokeep_backend_set_data(be, s);
	return 0;
}

void tokeep_store_close(struct tokeep_backend *be)
{
	drop(tokeep_backend_data(be));
	tokeep_backend_set_data(be, NULL);
}

static int find(struct store *s, void *data)
{
	struct tokeep_token *token = data, *row = tokeep_token_new();
	int r = row ? row_find(s, token, row) : error_memory(s);

	if (!r && row_copy(token, row))
		r = error_memory(s);
	tokeep_token_free(row);
	return r;
}

int tokeep_store_find_token(struct tokeep_backend *be, struct tokeep_token *token)
{
	return change_read(tokeep_backend_data(be), "looking up", find, token);
}

struct by_id {
	const char *id;
	struct tokeep_token *token;
};

static int find_by_id(struct store *s, void *data)
{
	const struct by_id *by = data;

	return row_find_id(s, by->id, false, by->token);
}

int tokeep_store_find_token_by_id(struct tokeep_backend *be, const char *id, struct tokeep_token *token)
{
	struct by_id by = { .id = id, .token = token };

	return change_read(tokeep_backend_data(be), "looking up", find_by_id, &by);
}

int tokeep_store_save_token(struct tokeep_backend *be, struct tokeep_token *token)
{
	return write_save(tokeep_backend_data(be), token);
}

int tokeep_store_delete_token(struct tokeep_backend *be, const char *id)
{
	return write_delete(tokeep_backend_data(be), id);
}

int tokeep_store_get_tokens(struct tokeep_backend *be, struct tokeep_sink *sink)
{
	return row_each(tokeep_backend_data(be), sink);
}

int tokeep_store_delete_tokens(struct tokeep_backend *be)
{
	return write_delete_all(tokeep_backend_data(be));
}

int tokeep_store_lock(struct tokeep_backend *be, const char *key, int64_t wait_ms, int64_t hold_ms)
{
	return lease_take(tokeep_backend_data(be), key, wait_ms, hold_ms);
}

int tokeep_store_unlock(struct tokeep_backend *be, const char *key)
{
	return lease_release(tokeep_backend_data(be), key);
}

int tokeep_store_swap_token(struct tokeep_backend *be, struct tokeep_token *token, const char *old_refresh_token)
{
	return write_swap(tokeep_backend_data(be), token, old_refresh_token);
}

int tokeep_store_begin(struct tokeep_backend *be)
{
	return change_begin(tokeep_backend_data(be));
}

int tokeep_store_commit(struct tokeep_backend *be, int keep)
{
	return change_commit(tokeep_backend_data(be), keep);
}

int tokeep_store_probe(struct tokeep_backend *be, const struct tokeep_token *token)
{
	return write_probe(tokeep_backend_data(be), token);
}
