/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * answer.h: the body of an answer as named members: a JSON object, or a form as GitHub sends it. Serves token endpoints
 * and whoever else asks an authorization server something (metadata, device codes, user info, id_token). answer.c alone
 * in the library knows jansson.
 */
#ifndef TOKEEP_CORE_ANSWER_H
#define TOKEEP_CORE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "transport.h"

struct answer;

/* Reads the body. TOKEEP_EREPLY where it is no object, a member comes twice, it is nested or branched beyond sense;
 * the message has no `where`: the caller adds it in front. Deep or wide bodies are refused before they cost
 * memory. */
int answer_read(const struct http_response *response, struct answer **answer, struct error *err);
/* The same of a text, such as an id_token's claims. */
int answer_read_json(const char *text, size_t size, struct answer **answer, struct error *err);
void answer_free(struct answer *answer); /* wipes the strings; NULL is fine */

enum answer_kind {
	ANSWER_ABSENT, /* not there, null, or "" */
	ANSWER_STRING,
	ANSWER_NUMBER,
	ANSWER_BOOL,
	ANSWER_OTHER   /* an object, an array, a string with a NUL in it */
};
enum answer_kind answer_kind(const struct answer *answer, const char *name);

/* The string of that name, NULL where it is no ANSWER_STRING. The answer's. */
const char *answer_string(const struct answer *answer, const char *name);
/* A number, or a string that is nothing but one. */
bool answer_number(const struct answer *answer, const char *name, double *number);
/* Absent, false and what is no boolean are alike. */
bool answer_true(const struct answer *answer, const char *name);
/* Is `value` an element of the array `name`? */
bool answer_lists(const struct answer *answer, const char *name, const char *value);
#endif
