/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_json.h: JSON, out and in. The one file of the command that knows jansson is behind it. */
#ifndef TOKEEP_COMMAND_JSON_H
#define TOKEEP_COMMAND_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <tokeep.h>

/* What stands for a secret that nobody asked to see. */
#define JSON_HIDDEN "<hidden>"

/* Once, before any other use: what jansson frees is wiped, since it may be a secret. */
void json_guard(void);

/* A record: all fields in their order, absent ones null; bytes that are no UTF-8 become U+FFFD. Without a newline
 * behind it. 0 or TOKEEP_ENOMEM. */
int json_put_record(FILE *file, const struct tokeep_token *token, bool reveal);
/* The same with all secrets, and a newline. TOKEEP_ESTORE, and nothing written: a value is no UTF-8, which JSON can't
 * hold. */
int json_put_line(FILE *file, const struct tokeep_token *token);

struct json_item {
	const char *name;
	enum { JSON_TEXT_ITEM, JSON_NUMBER_ITEM, JSON_TRUTH_ITEM } kind;
	const char *text; /* NULL: null */
	int64_t number;
};

/* The items up to one without a name, as an object on standard output, without a newline behind it. */
int json_put_object(const struct json_item *items);

/* A line each. Without memory the bare text is printed. */
void json_put_error(FILE *file, const char *class_name, const char *message, int64_t retry_after_s);
void json_put_warning(FILE *file, const char *message);
/* Where to log in; port 0: null. */
void json_put_login(FILE *file, const char *url, int port);
/* {"device":{...}}: where to approve a login, for a program that shows it in its own way. */
void json_put_device(FILE *file, const char *uri, const char *complete, const char *user_code, int64_t expires_in_s);

/* A line as `export` writes it, into an empty token. TOKEEP_EINVAL: `why` says it, without a word of the line, which
 * may be a secret. */
int json_read_record(const char *line, size_t size, struct tokeep_token *token, char *why, size_t why_size);

#endif
