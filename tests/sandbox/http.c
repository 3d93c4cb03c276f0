/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* http.c: parameters of a request, bodies of a reply, and the escaping both need. */
#include "config.h"

#include "http.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct param *param_add(struct param **list, const char *name, const char *value)
{
	struct param *p = memory(sizeof(*p));

	p->name = text_copy(name);
	p->value = text_copy(value ? value : "");
	while (*list)
		list = &(*list)->next;
	*list = p;
	return p;
}

void param_extend(struct param *param, const char *more, size_t length)
{
	char *longer = text_format("%s%.*s", param->value, (int)length, more);

	free(param->value);
	param->value = longer;
}

void params_free(struct param *list)
{
	struct param *next;

	for (; list; list = next) {
		next = list->next;
		free(list->name);
		free(list->value);
		free(list);
	}
}

const char *param(const struct param *list, const char *name)
{
	for (; list; list = list->next)
		if (!strcmp(list->name, name))
			return *list->value ? list->value : NULL;
	return NULL;
}

static bool utf8(const char *text)
{
	json_t *value = json_string(text);

	json_decref(value);
	return value != NULL;
}

bool params_sound(const struct param *list)
{
	for (; list; list = list->next)
		if (!utf8(list->name) || !utf8(list->value))
			return false;
	return true;
}

json_t *json_text(const char *text)
{
	json_t *value = text && *text ? json_string(text) : NULL;

	return value ? value : json_null();
}

void params_from_json(struct param **list, const char *text)
{
	json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) {
		char *plain = json_is_string(value) ? text_copy(json_string_value(value)) :
						      json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

		param_add(list, name, plain);
		free(plain);
	}
	json_decref(object);
}

void reply_clear(struct reply *reply)
{
	free(reply->body);
	free(reply->location);
	free(reply->retry_after);
	memset(reply, 0, sizeof(*reply));
}

static void reply_set(struct reply *reply, unsigned int status, const char *type, char *body)
{
	free(reply->body);
	reply->status = status;
	reply->type = type;
	reply->body = body;
	reply->length = strlen(body);
}

void reply_json(struct reply *reply, unsigned int status, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_PRESERVE_ORDER);

	json_decref(value);
	if (!text)
		abort(); /* not made of UTF-8: a defect, since params_sound() was asked */
	reply_set(reply, status, "application/json", text);
}

void reply_html(struct reply *reply, unsigned int status, char *html)
{
	reply_set(reply, status, "text/html; charset=utf-8", html);
}

void reply_text(struct reply *reply, unsigned int status, char *text)
{
	reply_set(reply, status, "text/plain; charset=utf-8", text);
}

void reply_redirect(struct reply *reply, char *location)
{
	reply_set(reply, 302, "text/plain", text_copy(""));
	free(reply->location);
	reply->location = location;
}

char *html_escaped(const char *text)
{
	char *out = memory(strlen(text) * 5 + 1);
	char *end = out;

	for (; *text; text++) {
		const char *safe = *text == '<' ? "&lt;" : *text == '&' ? "&amp;" : *text == '"' ? "&#34;" : NULL;

		if (safe)
			end = stpcpy(end, safe);
		else
			*end++ = *text;
	}
	return out;
}

char *url_escaped(const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	char *out = memory(strlen(text) * 3 + 1);
	char *end = out;

	for (; *text; text++) {
		if (strchr(plain, *text))
			*end++ = *text;
		else
			end += snprintf(end, 4, "%%%02X", (unsigned char)*text);
	}
	return out;
}
