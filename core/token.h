/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* token.h: the record, and the one rule by which records are told apart. Knows nobody. */
#ifndef TOKEEP_CORE_TOKEN_H
#define TOKEEP_CORE_TOKEN_H

#include <stdbool.h>
#include <tokeep-store.h>

#define TOKEN_FIELDS (TOKEEP_FIELD_STATUS + 1)
#define TOKEN_ZOHO_FIELDS (TOKEEP_FIELD_API_DOMAIN + 1) /* the columns that every SDK has */

struct tokeep_token {
	char *value[TOKEN_FIELDS]; /* NULL where absent, never "" */
};

void token_clear(struct tokeep_token *token);
int token_copy(struct tokeep_token *to, const struct tokeep_token *from);
void token_move(struct tokeep_token *to, struct tokeep_token *from); /* leaves `from` empty */
bool token_empty(const struct tokeep_token *token);
bool token_same(const struct tokeep_token *a, const struct tokeep_token *b);

/* What to call it in a message: the user_name, else the id. */
const char *token_who(const struct tokeep_token *token);

/* Why the value can't be stored, NULL: it can. */
const char *token_refusal(const char *value);

/* A time field in ms; -1 where absent or no number. */
int64_t token_time_ms(const struct tokeep_token *token, int field);
int token_set_time(struct tokeep_token *token, int field, int64_t ms);

/* The field of that name, -1: none. */
int token_field(const char *name);
#endif
