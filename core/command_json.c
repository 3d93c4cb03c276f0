/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_json.c: records, errors and tables as JSON, by jansson. */
#include "command_json.h"

#include "command.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/*
 * Memory. jansson frees without wiping, so each block carries its size in front.
 */

union block {
	size_t size;
	max_align_t align;
};

static void *allocate(size_t size)
{
	union block *block = size > SIZE_MAX - sizeof(*block) ? NULL : malloc(sizeof(*block) + size);

	if (!block)
		return NULL;
	block->size = size;
	return block + 1;
}

static void wipe(void *memory)
{
	union block *block = memory;

	if (!block)
		return;
	block--;
	explicit_bzero(block, sizeof(*block) + block->size);
	free(block);
}

void json_guard(void)
{
	json_set_alloc_funcs(allocate, wipe);
}

/*
 * Out
 */

/* A copy with U+FFFD for each byte that makes it no UTF-8. Found by what jansson takes, so that both agree. */
static json_t *mended_text(const char *text)
{
	size_t size = strlen(text), length = 0;
	char *copy = allocate(3 * size + 1);
	json_t *string;

	while (copy && *text) {
		size_t n = 4;

		for (string = NULL; n > 0; n--) {
			string = strnlen(text, n) == n ? json_stringn(text, n) : NULL;
			if (string)
				break;
		}
		json_decref(string);
		memcpy(copy + length, n ? text : "\xef\xbf\xbd", n ? n : 3);
		length += n ? n : 3;
		text += n ? n : 1;
	}
	string = copy ? json_stringn(copy, length) : NULL;
	wipe(copy);
	return string;
}

/* `mended` NULL: the caller doesn't mind. */
static json_t *text_of(const char *text, bool *mended)
{
	json_t *string = text ? json_string(text) : json_null();

	if (string)
		return string;
	if (mended)
		*mended = true;
	return mended_text(text);
}

/* On a terminal everything beyond ASCII is escaped, so that no control character gets through and no value is
 * altered either. */
static int put(FILE *file, json_t *value, const char *end)
{
	size_t flags = JSON_COMPACT | (file == stdout && output_terminal() ? JSON_ENSURE_ASCII : 0);
	char *text = value ? json_dumps(value, flags) : NULL;

	json_decref(value);
	if (!text)
		return TOKEEP_ENOMEM;
	fprintf(file, "%s%s", text, end);
	wipe(text);
	return 0;
}

static json_t *record(const struct tokeep_token *token, bool reveal, bool *mended)
{
	json_t *object = json_object();
	const char *name;

	for (int f = 0; (name = tokeep_field_name(f)); f++) {
		const char *value = tokeep_token_get(token, f);

		if (value && !reveal && tokeep_field_secret(f))
			value = JSON_HIDDEN;
		if (json_object_set_new(object, name, text_of(value, mended))) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

int json_put_record(FILE *file, const struct tokeep_token *token, bool reveal)
{
	return put(file, record(token, reveal, NULL), "");
}

int json_put_line(FILE *file, const struct tokeep_token *token)
{
	bool mended = false;
	json_t *object = record(token, true, &mended);

	if (!mended)
		return put(file, object, "\n");
	json_decref(object);
	return TOKEEP_ESTORE;
}

static json_t *item_value(const struct json_item *item)
{
	switch (item->kind) {
	case JSON_NUMBER_ITEM:
		return json_integer(item->number);
	case JSON_TRUTH_ITEM:
		return json_boolean(item->number);
	case JSON_TEXT_ITEM:
		break;
	}
	return text_of(item->text, NULL);
}

int json_put_object(const struct json_item *items)
{
	json_t *object = json_object();

	for (; items->name; items++)
		if (json_object_set_new(object, items->name, item_value(items))) {
			json_decref(object);
			return TOKEEP_ENOMEM;
		}
	return put(stdout, object, "");
}

void json_put_error(FILE *file, const char *class_name, const char *message, int64_t retry_after_s)
{
	json_t *retry_after = retry_after_s < 0 ? json_null() : json_integer(retry_after_s);

	if (put(file, json_pack("{s:{s:s,s:o,s:o}}", "error", "class", class_name, "message",
				text_of(message, NULL), "retry_after", retry_after), "\n"))
		fprintf(file, "%s\n", message);
}

void json_put_warning(FILE *file, const char *message)
{
	if (put(file, json_pack("{s:{s:o}}", "warning", "message", text_of(message, NULL)), "\n"))
		fprintf(file, "%s\n", message);
}

void json_put_login(FILE *file, const char *url, int port)
{
	json_t *number = port ? json_integer(port) : json_null();

	if (put(file, json_pack("{s:{s:s,s:o}}", "login", "url", url, "port", number), "\n"))
		fprintf(file, "%s\n", url);
}

void json_put_device(FILE *file, const char *uri, const char *complete, const char *user_code, int64_t expires_in_s)
{
	json_t *device = json_pack("{s:o, s:o, s:o, s:I}", "verification_uri", text_of(uri, NULL),
				   "verification_uri_complete", text_of(complete, NULL), "user_code",
				   text_of(user_code, NULL), "expires_in", (json_int_t)expires_in_s);

	if (put(file, json_pack("{s:o}", "device", device), "\n"))
		fprintf(file, "%s %s\n", uri, user_code);
}

/*
 * In
 */

__attribute__((format(printf, 3, 4)))
static int refuse(char *why, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, size, format, args);
	va_end(args);
	return TOKEEP_EINVAL;
}

/* jansson's own text quotes the input. */
static const char *parse_error(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_out_of_memory:
		return "out of memory";
	case json_error_invalid_utf8:
		return "not UTF-8";
	case json_error_premature_end_of_input:
		return "the line ends too early";
	case json_error_end_of_input_expected:
		return "more than one value in a line";
	case json_error_duplicate_key:
		return "a key is there twice";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "a NUL byte is in a value";
	default:
		return "not JSON";
	}
}

static int field_of(const char *key)
{
	const char *name;

	for (int f = 0; (name = tokeep_field_name(f)); f++)
		if (!strcmp(name, key))
			return f;
	return -1;
}

/* Other programs write ids and times as numbers. */
static bool may_be_number(int field)
{
	return field == TOKEEP_FIELD_ID || field == TOKEEP_FIELD_EXPIRY_TIME || field == TOKEEP_FIELD_ISSUED_TIME ||
	       field == TOKEEP_FIELD_REFRESHED_TIME;
}

static int set_field(struct tokeep_token *token, int field, json_t *value, char *why, size_t size)
{
	const char *name = tokeep_field_name(field), *text = json_string_value(value);
	char number[24];
	int r;

	if (json_is_null(value))
		return 0;
	if (json_is_integer(value) && may_be_number(field) && json_integer_value(value) >= 0) {
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		text = number;
	}
	if (!text)
		return refuse(why, size, "%s: takes a string or null", name);
	if (tokeep_field_secret(field) && !strcmp(text, JSON_HIDDEN))
		return refuse(why, size, "%s: %s stands for a value that was not revealed; run: tokeep export", name,
			      JSON_HIDDEN);
	r = tokeep_token_set(token, field, text);
	if (r == TOKEEP_EINVAL)
		return refuse(why, size, "%s: a line break is in it, or it is longer than %d bytes", name,
			      TOKEEP_VALUE_MAX);
	return r ? refuse(why, size, "out of memory") : 0;
}

int json_read_record(const char *line, size_t line_size, struct tokeep_token *token, char *why, size_t size)
{
	json_error_t error;
	json_t *object = json_loadb(line, line_size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	const char *key;
	json_t *value;
	int r = 0;

	if (!object)
		return refuse(why, size, "column %d: %s", error.column, parse_error(&error));
	if (!json_is_object(object))
		r = refuse(why, size, "not an object; it takes one record a line, as tokeep export writes them");
	json_object_foreach (object, key, value) {
		int field = field_of(key);

		if (field < 0)
			r = refuse(why, size, "unknown key %.40s", key);
		else
			r = set_field(token, field, value, why, size);
		if (r)
			break;
	}
	json_decref(object);
	return r;
}
