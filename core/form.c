/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* form.c: application/x-www-form-urlencoded. */
#include <config.h>

#include "form.h"

#include <stdlib.h>
#include <string.h>

#include "secret.h"

/* Never realloc(), which would leave a copy of what may be a secret behind. */
static bool make_room(struct form *form, size_t more)
{
	size_t room = form->room ? form->room : 256;
	char *text;

	if (form->failed)
		return false;
	while (room < form->size + more + 1)
		room *= 2;
	if (room == form->room)
		return true;
	text = malloc(room);
	if (!text) {
		form->failed = true;
		return false;
	}
	if (form->text)
		memcpy(text, form->text, form->size);
	secret_free_size(form->text, form->size);
	form->text = text;
	form->room = room;
	return true;
}

static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("*-._", c));
}

static void append(struct form *form, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";

	if (!make_room(form, 3 * strlen(text)))
		return;
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (plain(*text)) {
			form->text[form->size++] = *text;
		} else if (c == ' ') {
			form->text[form->size++] = '+';
		} else {
			form->text[form->size++] = '%';
			form->text[form->size++] = hex[c >> 4];
			form->text[form->size++] = hex[c & 15];
		}
	}
	form->text[form->size] = '\0';
}

static void append_byte(struct form *form, char c)
{
	if (!make_room(form, 1))
		return;
	form->text[form->size++] = c;
	form->text[form->size] = '\0';
}

void form_add(struct form *form, const char *name, const char *value)
{
	if (!value)
		return;
	if (form->size)
		append_byte(form, '&');
	append(form, name);
	append_byte(form, '=');
	append(form, value);
}

void form_free(struct form *form)
{
	secret_free_size(form->text, form->size);
	memset(form, 0, sizeof(*form));
}

char *form_encode(const char *text)
{
	struct form form = { NULL, 0, 0, false };

	append(&form, text);
	if (form.failed)
		form_free(&form);
	return form.text;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Into `to`, which has room for size + 1. The decoded size, -1: a % that encodes nothing. */
static long decode(char *to, const char *from, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		if (from[i] != '%') {
			to[n++] = (char)(from[i] == '+' ? ' ' : from[i]);
			continue;
		}
		if (i + 2 >= size || hex_digit(from[i + 1]) < 0 || hex_digit(from[i + 2]) < 0)
			return -1;
		to[n++] = (char)(hex_digit(from[i + 1]) * 16 + hex_digit(from[i + 2]));
		i += 2;
	}
	to[n] = '\0';
	return (long)n;
}

int form_decode(const char *text, size_t size,
		int (*each)(void *data, const char *name, size_t name_size, const char *value, size_t value_size),
		void *data)
{
	const size_t room = size + 1;
	char *name = malloc(room), *value = malloc(room);
	int r = name && value ? 0 : -1;

	while (!r && size) {
		const char *end = memchr(text, '&', size);
		size_t pair = end ? (size_t)(end - text) : size;
		const char *equals = memchr(text, '=', pair);
		size_t left = equals ? (size_t)(equals - text) : pair;
		long name_size = decode(name, text, left);
		long value_size = equals ? decode(value, equals + 1, pair - left - 1) : decode(value, "", 0);

		if (name_size < 0 || value_size < 0)
			r = -1;
		else if (pair) /* "&&" is no pair */
			r = each(data, name, (size_t)name_size, value, (size_t)value_size);
		text += pair + (end ? 1 : 0);
		size -= pair + (end ? 1 : 0);
	}
	secret_free_size(name, room);
	secret_free_size(value, room);
	return r;
}
