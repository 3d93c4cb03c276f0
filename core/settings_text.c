/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * settings_text.c: one text out of a file and what it includes. A small lexer with libconfig's notion of comments,
 * strings and numbers finds what libconfig lets pass: integers out of range (it wraps them), leading zeros (it
 * reads 0600 as six hundred), NUL bytes, and @include, which it would take from the working directory.
 */
#include <config.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "secret.h"
#include "settings_text.h"

#define INCLUDE_DEPTH 8
#define INCLUDE_FILES 64
#define TEXT_SIZE_MAX (1024 * 1024)
#define NESTING_MAX 32
#define MEMBERS_MAX 5000 /* libconfig compares each with all before it */

/* One file being read, and those that include it. */
struct scan {
	struct text *text;
	const struct scan *above;
	int depth; /* of includes */
	int source, line, nesting;
	int members[NESTING_MAX + 1]; /* of the groups that are open */
	const char *path;
	const char *begin, *p, *end;
	const char *copied; /* up to here it is in the text */
	struct error *err;
};

static int append_file(struct text *text, const struct scan *above, const char *path, struct error *err);

static int refuse(struct scan *s, const char *why)
{
	return error_set(s->err, TOKEEP_ECONFIG, "%s:%d: %s", s->path, s->line, why);
}

/* Wiped where it moves, since there may be secrets in it. */
static int append(struct text *text, const char *bytes, size_t size, struct error *err)
{
	size_t i, room = text->size + size + 1;
	char *larger;

	if (room > TEXT_SIZE_MAX)
		return error_set(err, TOKEEP_ECONFIG, "%s: more than %d bytes with what it includes",
				 text->sources[0].path, TEXT_SIZE_MAX);
	if (room > text->room) {
		room = room * 2;
		larger = malloc(room);
		if (!larger)
			return error_nomem(err);
		if (text->size)
			memcpy(larger, text->bytes, text->size);
		secret_free_size(text->bytes, text->room);
		text->bytes = larger;
		text->room = room;
	}
	memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
	text->bytes[text->size] = '\0';
	for (i = 0; i < size; i++)
		text->lines += bytes[i] == '\n';
	return 0;
}

static int begin_segment(struct scan *s)
{
	struct text *text = s->text;
	struct segment *more = realloc(text->segments, (text->segment_count + 1) * sizeof(*more));

	if (!more)
		return error_nomem(s->err);
	text->segments = more;
	more[text->segment_count++] = (struct segment){text->lines, s->source, s->line};
	return 0;
}

static int flush(struct scan *s)
{
	const char *from = s->copied;

	s->copied = s->p;
	return append(s->text, from, s->p - from, s->err);
}

static void skip_line(struct scan *s)
{
	while (s->p < s->end && *s->p != '\n')
		s->p++;
}

static int skip_comment(struct scan *s)
{
	int begun = s->line;

	for (s->p += 2; s->p < s->end; s->p++) {
		if (*s->p == '*' && s->p[1] == '/') {
			s->p += 2;
			return 0;
		}
		s->line += *s->p == '\n';
	}
	s->line = begun;
	return refuse(s, "a comment begins here and does not end");
}

static int skip_string(struct scan *s)
{
	int begun = s->line;

	for (s->p++; s->p < s->end; s->p++) {
		if (*s->p == '"') {
			s->p++;
			return 0;
		}
		if (*s->p == '\\' && s->p + 1 < s->end)
			s->p++;
		s->line += *s->p == '\n';
	}
	s->line = begun;
	return refuse(s, "a string begins here and does not end");
}

static bool name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '*';
}

static bool skip_exponent(struct scan *s)
{
	const char *p = s->p;

	if ((*p | 0x20) != 'e')
		return false;
	p += p[1] == '-' || p[1] == '+' ? 2 : 1;
	if (!isdigit((unsigned char)*p))
		return false;
	while (isdigit((unsigned char)*p))
		p++;
	s->p = p;
	return true;
}

static bool skip_fraction(struct scan *s)
{
	if (*s->p != '.')
		return skip_exponent(s);
	do
		s->p++;
	while (isdigit((unsigned char)*s->p));
	skip_exponent(s);
	return true;
}

/* [-+]digits, 0xdigits, each perhaps with L or LL behind it; digits and then . or an exponent are a float, which
 * needs no look. */
static int check_number(struct scan *s)
{
	const char *first = s->p, *digits;
	bool negative = *s->p == '-', hex;
	uintmax_t value, limit;
	char why[160];
	int width;

	s->p += *s->p == '-' || *s->p == '+';
	hex = s->p[0] == '0' && (s->p[1] | 0x20) == 'x' && isxdigit((unsigned char)s->p[2]);
	s->p += hex ? 2 : 0;
	digits = s->p;
	while (hex ? isxdigit((unsigned char)*s->p) : isdigit((unsigned char)*s->p))
		s->p++;
	if (!hex && skip_fraction(s))
		return 0;
	width = s->p - first > 40 ? 40 : (int)(s->p - first);
	limit = *s->p == 'L' ? INT64_MAX : INT32_MAX;
	errno = 0;
	value = strtoumax(digits, NULL, hex ? 16 : 10);
	if (errno || value > limit + negative) {
		snprintf(why, sizeof(why), "%.*s: the number is too large%s", width, first,
			 errno || value > INT64_MAX || *s->p == 'L' ? "" :
			 "; numbers beyond 2147483647 end in L");
		return refuse(s, why);
	}
	if (!hex && *digits == '0' && s->p - digits > 1) {
		snprintf(why, sizeof(why), "%.*s: a number with a leading zero; write it without, or in quotes",
			 width, first);
		return refuse(s, why);
	}
	while (*s->p == 'L')
		s->p++;
	return 0;
}

static bool begins_line(const struct scan *s)
{
	const char *p = s->p;

	while (p > s->begin && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	return p == s->begin || p[-1] == '\n';
}

/* The text so far, the included file, and on with what follows the closing quote. */
static int include(struct scan *s)
{
	const char *quote = s->p + strlen("@include"), *close;
	char *path;
	int r;

	if (strncmp(s->p, "@include", strlen("@include")) || !begins_line(s))
		return refuse(s, "'@' outside a string (@include begins a line)");
	quote += strspn(quote, " \t");
	close = *quote == '"' ? strpbrk(quote + 1, "\"\\\n") : NULL;
	if (!close || *close != '"')
		return refuse(s, "@include wants a path in quotes, without a backslash");
	if (quote[1] != '/')
		return refuse(s, "@include wants an absolute path");
	r = flush(s);
	if (r)
		return r;
	path = strndup(quote + 1, close - quote - 1);
	r = path ? append_file(s->text, s, path, s->err) : error_nomem(s->err);
	free(path);
	s->p = s->copied = close + 1;
	return r ? r : begin_segment(s);
}

static int open_group(struct scan *s)
{
	s->p++;
	return ++s->nesting > NESTING_MAX ? refuse(s, "groups are nested too deeply") : 0;
}

static int close_group(struct scan *s)
{
	if (!s->nesting)
		return refuse(s, "a bracket is closed that was not opened");
	s->members[s->nesting--] = 0;
	s->p++;
	return 0;
}

static int count_member(struct scan *s)
{
	s->p++;
	return ++s->members[s->nesting] > MEMBERS_MAX ? refuse(s, "more than 5000 settings in one group") : 0;
}

static int scan_token(struct scan *s)
{
	char c = *s->p;

	if (!c)
		return refuse(s, "a NUL byte");
	if (c == '#' || (c == '/' && s->p[1] == '/')) {
		skip_line(s);
		return 0;
	}
	if (c == '/' && s->p[1] == '*')
		return skip_comment(s);
	if (c == '"')
		return skip_string(s);
	if (c == '@')
		return include(s);
	if (isdigit((unsigned char)c) || ((c == '-' || c == '+') && isdigit((unsigned char)s->p[1])))
		return check_number(s);
	if (isalpha((unsigned char)c) || c == '*') {
		while (name_byte(*s->p))
			s->p++;
		return 0;
	}
	if (strchr("{([", c))
		return open_group(s);
	if (strchr("})]", c))
		return close_group(s);
	if (c == '=' || c == ':')
		return count_member(s);
	s->line += c == '\n';
	s->p++;
	return 0;
}

/* bytes[size] is a NUL, so that looking one byte ahead is safe. */
static int scan(struct scan *s, const char *bytes, size_t size)
{
	int r;

	s->begin = s->p = s->copied = bytes;
	s->end = bytes + size;
	s->line = 1;
	if (size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3))
		return refuse(s, "a byte order mark; save the file without it");
	r = begin_segment(s);
	while (!r && s->p < s->end)
		r = scan_token(s);
	if (!r && memchr(bytes, 0, size))
		r = refuse(s, "a NUL byte in a string or comment above");
	if (!r)
		r = flush(s);
	if (!r && (!s->text->size || s->text->bytes[s->text->size - 1] != '\n'))
		r = append(s->text, "\n", 1, s->err);
	return r;
}

/* A file that couldn't be read says its name alone; the line that includes it goes before. */
static int include_failed(const struct scan *above, int r, struct error *err)
{
	struct error inner = {.retry_after_s = -1};

	if (!above || r != TOKEEP_ECONFIG)
		return r;
	error_move(&inner, err);
	error_set(err, r, "%s:%d: @include: %s", above->path, above->line, error_text(&inner));
	error_clear(&inner);
	return r;
}

static const char *refuse_include(const struct scan *above, const struct source *source, int source_count)
{
	const struct text *text = above ? above->text : NULL;
	const struct source *other;

	if (above && above->depth + 1 >= INCLUDE_DEPTH)
		return "includes are nested too deeply";
	if (source_count >= INCLUDE_FILES)
		return "too many included files";
	for (; above; above = above->above) {
		other = &text->sources[above->source];
		if (other->device == source->device && other->inode == source->inode)
			return "the file includes itself";
	}
	return NULL;
}

static int add_source(struct text *text, const struct source *source, struct error *err)
{
	struct source *more = realloc(text->sources, (text->source_count + 1) * sizeof(*more));

	if (!more)
		return error_nomem(err);
	text->sources = more;
	more[text->source_count++] = *source;
	return 0;
}

static int append_file(struct text *text, const struct scan *above, const char *path, struct error *err)
{
	struct scan s = {.text = text, .above = above, .err = err, .source = text->source_count};
	struct source source = {0};
	const char *why;
	size_t size = 0;
	char *bytes = NULL;
	int r;

	r = trusted_read(path, &source, &bytes, &size, err);
	if (r)
		return include_failed(above, r, err);
	why = refuse_include(above, &source, text->source_count);
	if (why) {
		r = include_failed(above, error_set(err, TOKEEP_ECONFIG, "%s: %s", path, why), err);
		goto out;
	}
	source.path = strdup(path);
	r = source.path ? add_source(text, &source, err) : error_nomem(err);
	if (r) {
		free(source.path);
		goto out;
	}
	s.path = source.path;
	s.depth = above ? above->depth + 1 : 0;
	r = scan(&s, bytes, size);
 out:
	secret_free_size(bytes, size + 1);
	return r;
}

int text_read(struct text *text, const char *path, struct error *err)
{
	int r;

	*text = (struct text){.lines = 1};
	r = append_file(text, NULL, path, err);
	if (r)
		text_free(text);
	return r;
}

void text_free(struct text *text)
{
	int i;

	secret_free_size(text->bytes, text->room);
	for (i = 0; i < text->source_count; i++)
		free(text->sources[i].path);
	free(text->sources);
	free(text->segments);
	*text = (struct text){0};
}

const struct source *text_where(const struct text *text, int text_line, int *line)
{
	const struct segment *segment;
	int i = text->segment_count - 1;

	while (i > 0 && text->segments[i].start > text_line)
		i--;
	segment = &text->segments[i];
	*line = segment->line + (text_line > segment->start ? text_line - segment->start : 0);
	return &text->sources[segment->source];
}
