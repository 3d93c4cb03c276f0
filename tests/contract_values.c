/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* contract_values.c: what is saved comes back byte for byte, in every field, or is refused; never changed. */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const awkward[] = {
	"O'Brien", "x' or '1'='1", "x\" or \"1\"=\"1", "a', refresh_token='swapped", "'; drop table oauthtoken; --",
	"%s%n%x", "100%", "a,b,,c", ",", "\"", "\"\"", "\"quoted\"", "a\"b\"c", "back\\slash", "\\", "\\'", "\\\\",
	"\\n", " leading and trailing ", "\ttab\t", "=1+1", "@cmd", "+1", "-1", "#no comment", "null", "NULL", "None",
	"\xf0\x9f\x8d\xba", "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", "\xef\xbb\xbf" "bom", "a\x01" "b\x1f\x7f", ";", "|", "`id`",
	"$(id)", "${HOME}", "{\"json\":[1]}", "<a href='x'>&amp;", "0", "00", "1e400", "\xe2\x80\xae" "rtl",
};
#define AWKWARD (int)(sizeof(awkward) / sizeof(*awkward))

/* Every field but the id gets the value. */
static struct tokeep_token *filled(const char *value)
{
	struct tokeep_token *t = token(END);

	for (int f = 1; f < FIELDS; f++)
		tokeep_token_set(t, f, value);
	return t;
}

/* Saved, and found again by its id, by another context. */
static bool comes_back(struct tokeep *tk, struct tokeep_token *t)
{
	struct tokeep *other = context();
	struct tokeep_token *back = token(END);
	int r = tokeep_save_token(tk, t);

	if (r)
		printf("#   %s\n", tokeep_message(tk));
	if (!r)
		r = tokeep_find_token_by_id(other, tokeep_token_get(t, ID), back);
	if (!r && !same(t, back))
		r = -100;
	for (int f = 0; r == -100 && f < FIELDS; f++) {
		const char *want = tokeep_token_get(t, f), *got = tokeep_token_get(back, f);

		if (!want || !got || strcmp(want, got))
			printf("#   %s: wanted %.60s, got %.60s\n", tokeep_field_name(f), want ? want : "(absent)",
			       got ? got : "(absent)");
	}
	tokeep_token_free(back);
	tokeep_free(other);
	return !r;
}

static void awkward_values(struct tokeep *tk)
{
	int right = 0, found_by_name = 0, ids = 0;

	for (int i = 0; i < AWKWARD; i++) {
		struct tokeep_token *t = filled(awkward[i]);

		right += comes_back(tk, t);
		tokeep_token_free(t);
	}
	is_int(right, AWKWARD, "quotes, commas, backslashes, formats and emoji come back from every field");
	is_int(rows(tk), AWKWARD, "no value has touched another row");
	for (int i = 0; i < AWKWARD; i++)
		found_by_name += !strcmp(found(tk, awkward[i], awkward[i], REFRESH), awkward[i]);
	is_int(found_by_name, AWKWARD, "each is found by its name");
	tokeep_delete_tokens(tk);
	for (int i = 0; i < AWKWARD; i++)
		ids += !save(tk, NULL, ID, awkward[i], USER, awkward[i], ACCESS, "a", END) &&
		       !strcmp(found_id(tk, awkward[i], USER), awkward[i]);
	is_int(ids, AWKWARD, "they may be ids, too");
	for (int i = 0; i < AWKWARD; i += 2)
		ids -= !tokeep_delete_token(tk, awkward[i]);
	is_int(rows(tk), ids, "deleting one such id deletes that row alone");
	is_result(tk, save(tk, NULL, USER, "alice", ACCESS, "a", END), 0, "a new token gets an id beside them");
}

static void every_byte(struct tokeep *tk)
{
	char bytes[128];
	int n = 0;
	struct tokeep_token *t;

	for (int c = 1; c < 0x80; c++)
		if (c != '\r' && c != '\n')
			bytes[n++] = (char)c;
	bytes[n] = '\0';
	t = filled(bytes);
	ok(comes_back(tk, t), "every ASCII byte but NUL, CR and LF comes back");
	tokeep_token_free(t);
}

/* No OAuth server may send it, but a name may come from anywhere. */
static void what_is_no_utf8(struct tokeep *tk)
{
	struct tokeep_token *t = token(USER, "caf\xe9 \xff\xfe \xc0\xaf", ACCESS, "a\x80", END), *back = token(END);
	int r = tokeep_save_token(tk, t);

	if (!r)
		r = tokeep_find_token_by_id(tk, tokeep_token_get(t, ID), back);
	ok(r ? rows(tk) == 0 : same(t, back), "bytes that are no UTF-8 come back as they are, or are refused");
	tokeep_token_free(t);
	tokeep_token_free(back);
}

static void long_values(struct tokeep *tk)
{
	static const int sizes[] = { 255, 256, 257, 1023, 1024, 1025, 4096, 16384, 65535, TOKEEP_VALUE_MAX };
	char *value = malloc(TOKEEP_VALUE_MAX + 2);
	struct tokeep_token *t;
	int right = 0;

	for (int i = 0; i <= TOKEEP_VALUE_MAX; i++)
		value[i] = (char)('!' + i * 31 % 94); /* quotes, commas and backslashes among them */
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char end = value[sizes[i]];

		value[sizes[i]] = '\0';
		t = filled(value);
		right += comes_back(tk, t);
		if (sizes[i] == TOKEEP_VALUE_MAX)
			is_int(tokeep_find_token(tk, t), 0, "a name of 64 KiB finds its token");
		tokeep_token_free(t);
		value[sizes[i]] = end;
	}
	is_int(right, sizeof(sizes) / sizeof(*sizes), "values of up to 64 KiB come back from every field");
	is_int(rows(tk), sizeof(sizes) / sizeof(*sizes), "names that differ behind 65,535 bytes are different");
	value[TOKEEP_VALUE_MAX + 1] = '\0';
	t = token(END);
	is_int(tokeep_token_set(t, ACCESS, value), TOKEEP_EINVAL, "a longer one is refused");
	is_str(tokeep_token_get(t, ACCESS), NULL, "and not cut");
	tokeep_token_free(t);
	free(value);
}

static void line_breaks(struct tokeep *tk)
{
	struct tokeep_token *t = token(USER, "alice", END);
	int refused = 0;

	(void)tk;
	for (int f = 0; f < FIELDS; f++) {
		refused += tokeep_token_set(t, f, "a\nb") == TOKEEP_EINVAL;
		refused += tokeep_token_set(t, f, "a\rb") == TOKEEP_EINVAL;
	}
	is_int(refused, 2 * FIELDS, "a line break is refused in every field");
	is_str(tokeep_token_get(t, USER), "alice", "and what was there stays");
	tokeep_token_free(t);
}

const struct part value_parts[] = {
	{ "awkward-values", awkward_values },
	{ "every-byte", every_byte },
	{ "what-is-no-utf8", what_is_no_utf8 },
	{ "long-values", long_values },
	{ "line-breaks", line_breaks },
	{ 0 }
};
