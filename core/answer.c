/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* answer.c: bodies as named members. The only file of the library that knows jansson. */
#include <config.h>

#include "answer.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "form.h"
#include "secret.h"

#define DEPTH_MAX 64
#define BRANCHES_MAX 16384 /* of the whole body: an object of jansson's takes some 200 bytes */

struct answer {
	json_t *root; /* an object */
};

/* Would this text make jansson take much memory or stack? Counts what opens or separates values, outside
 * strings; a text that is no JSON may be miscounted, and is refused by jansson. */
static const char *shape_refusal(const char *text, size_t size)
{
	size_t depth = 0, branches = 0;
	bool quoted = false;

	for (size_t i = 0; i < size; i++) {
		if (quoted) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				quoted = false;
			continue;
		}
		switch (text[i]) {
		case '"':
			quoted = true;
			break;
		case '{':
		case '[':
			depth++;
			branches++;
			break;
		case '}':
		case ']':
			depth -= depth > 0;
			break;
		case ',':
			branches++;
			break;
		}
		if (depth > DEPTH_MAX)
			return "nested too deeply";
		if (branches > BRANCHES_MAX)
			return "of too many members";
	}
	return NULL;
}

static void wipe(json_t *value)
{
	const char *key;
	json_t *member;

	if (json_is_string(value)) /* jansson's own copy */
		secret_wipe((char *)json_string_value(value), json_string_length(value));
	else if (json_is_object(value))
		json_object_foreach(value, key, member)
			wipe(member);
}

static int wrap(json_t *root, struct answer **answer, struct error *err)
{
	struct answer *made = calloc(1, sizeof(*made));

	if (!made) {
		wipe(root);
		json_decref(root);
		return error_nomem(err);
	}
	made->root = root;
	*answer = made;
	return 0;
}

static json_t *load(const char *text, size_t size, json_error_t *why)
{
	/* NUL is let through so that a sound refresh token beside a spoiled access token can be saved. */
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY;
	json_t *root = json_loadb(text, size, flags, why);

	/* Integers are exact where they can be; an expires_in beyond 64 bits is no reason to lose a token. */
	return root ? root : json_loadb(text, size, flags | JSON_DECODE_INT_AS_REAL, why);
}

int answer_read_json(const char *text, size_t size, struct answer **answer, struct error *err)
{
	static const char mark[] = "\xef\xbb\xbf";
	const char *refusal;
	json_error_t why = { 0 };
	json_t *root;

	if (size >= 3 && !memcmp(text, mark, 3)) {
		text += 3;
		size -= 3;
	}
	refusal = shape_refusal(text, size);
	if (refusal)
		return error_set(err, TOKEEP_EREPLY, "the answer is JSON %s", refusal);
	root = load(text, size, &why);
	if (!root && (json_error_code(&why) == json_error_unknown || json_error_code(&why) == json_error_out_of_memory))
		return error_nomem(err);
	if (!root) /* the text of the error would quote the body */
		return error_set(err, TOKEEP_EREPLY, "the answer is no JSON: line %d, column %d: %s", why.line,
				 why.column, json_error_code(&why) == json_error_duplicate_key ?
				 "a member comes twice" : "wrong syntax or encoding");
	if (!json_is_object(root)) {
		wipe(root);
		json_decref(root);
		return error_set(err, TOKEEP_EREPLY, "the answer is JSON, but no object");
	}
	return wrap(root, answer, err);
}

static int add_pair(void *data, const char *name, size_t name_size, const char *value, size_t value_size)
{
	json_t *root = data;

	if (strlen(name) != name_size || json_object_get(root, name) || json_object_size(root) >= BRANCHES_MAX)
		return 1;
	return json_object_set_new(root, name, json_stringn(value, value_size)) ? 1 : 0;
}

static int read_form(const char *text, size_t size, struct answer **answer, struct error *err)
{
	json_t *root = json_object();

	if (!root)
		return error_nomem(err);
	if (form_decode(text, size, add_pair, root)) {
		wipe(root);
		json_decref(root);
		return error_set(err, TOKEEP_EREPLY,
				 "the answer is a form with a wrong encoding or a member that comes twice");
	}
	return wrap(root, answer, err);
}

static bool is_form(const struct http_response *response)
{
	size_t blank = strspn(response->body, " \t\r\n");

	return response->content_type && !strcmp(response->content_type, "application/x-www-form-urlencoded") &&
	       response->body[blank] != '{';
}

int answer_read(const struct http_response *response, struct answer **answer, struct error *err)
{
	if (!response->size)
		return error_set(err, TOKEEP_EREPLY, "the answer is empty");
	if (is_form(response))
		return read_form(response->body, response->size, answer, err);
	return answer_read_json(response->body, response->size, answer, err);
}

void answer_free(struct answer *answer)
{
	if (!answer)
		return;
	wipe(answer->root);
	json_decref(answer->root);
	free(answer);
}

enum answer_kind answer_kind(const struct answer *answer, const char *name)
{
	const json_t *value = json_object_get(answer->root, name);

	if (!value || json_is_null(value))
		return ANSWER_ABSENT;
	if (json_is_number(value))
		return ANSWER_NUMBER;
	if (json_is_boolean(value))
		return ANSWER_BOOL;
	if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
		return ANSWER_OTHER;
	return *json_string_value(value) ? ANSWER_STRING : ANSWER_ABSENT;
}

const char *answer_string(const struct answer *answer, const char *name)
{
	if (answer_kind(answer, name) != ANSWER_STRING)
		return NULL;
	return json_string_value(json_object_get(answer->root, name));
}

/* Digits, a point, an exponent: not strtod's hexadecimal, "inf" or blanks, and whatever the locale. */
static bool parse_number(const char *text, double *number)
{
	json_t *value = NULL;

	if (text[strspn(text, "0123456789+-.eE")] == '\0')
		value = json_loads(text, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
	if (value)
		*number = json_number_value(value);
	json_decref(value);
	return value != NULL;
}

bool answer_number(const struct answer *answer, const char *name, double *number)
{
	switch (answer_kind(answer, name)) {
	case ANSWER_NUMBER:
		*number = json_number_value(json_object_get(answer->root, name));
		return true;
	case ANSWER_STRING:
		return parse_number(answer_string(answer, name), number);
	default:
		return false;
	}
}

bool answer_true(const struct answer *answer, const char *name)
{
	return json_is_true(json_object_get(answer->root, name));
}

bool answer_lists(const struct answer *answer, const char *name, const char *value)
{
	const json_t *array = json_object_get(answer->root, name);

	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *element = json_string_value(json_array_get(array, i));

		if (element && !strcmp(element, value))
			return true;
	}
	return false;
}
