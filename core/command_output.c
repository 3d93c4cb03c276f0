/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * command_output.c: standard output: its buffer, which is wiped, its failures, which are reported, and values and
 * times in a form for people.
 */
#include "command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "printable.h"

static char buffer[65536];
static bool terminal;
static int failure; /* errno of the write that failed first */

void output_open(void)
{
	terminal = isatty(STDOUT_FILENO);
	setvbuf(stdout, buffer, terminal ? _IOLBF : _IOFBF, sizeof(buffer));
}

bool output_failed(void)
{
	if (!failure && ferror(stdout))
		failure = errno ? errno : EIO;
	return failure;
}

/* Whoever closes a pipe has seen enough and needs no words. */
int output_close(struct command *cmd, int result)
{
	if (!output_failed() && fflush(stdout))
		failure = errno;
	explicit_bzero(buffer, sizeof(buffer));
	if (!failure || result)
		return result;
	if (failure == EPIPE)
		return TOKEEP_EINTERNAL;
	return say_error(cmd, TOKEEP_EINTERNAL, "standard output: %s", strerror(failure));
}

bool output_terminal(void)
{
	return terminal;
}

char *output_clean(const char *text)
{
	char *copy = strdup(text);

	if (copy)
		printable_clean(copy);
	return copy;
}

void output_value(const char *value)
{
	char *clean = terminal ? output_clean(value) : NULL;

	fputs(clean ? clean : terminal ? "?" : value, stdout);
	if (clean)
		explicit_bzero(clean, strlen(clean));
	free(clean);
}

/* Characters, as far as one is a column wide. */
static int columns(const char *value)
{
	int n = 0;

	for (; *value; value++)
		n += (*value & 0xc0) != 0x80;
	return n;
}

void output_column(const char *value, int width)
{
	int rest = width - columns(value);

	output_value(value);
	printf("%*s", (rest > 0 ? rest : 0) + 2, "");
}

int64_t output_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t output_time_ms(const struct tokeep_token *token, int field)
{
	const char *text = tokeep_token_get(token, field);
	char *end;
	long long ms;

	if (!text || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	ms = strtoll(text, &end, 10);
	return errno || *end ? -1 : ms;
}

void output_relative(char *text, int64_t time_ms, int64_t now_ms)
{
	static const struct {
		int64_t up_to_s, unit_s;
		const char *word;
	} units[] = {
		{ 120, 1, "s" },
		{ 120 * 60, 60, "min" },
		{ 48 * 3600, 3600, "h" },
		{ INT64_MAX, 24 * 3600, "days" },
	};
	int64_t s = (time_ms - now_ms) / 1000, length = s < 0 ? -s : s;
	int n = 0;

	while (length >= units[n].up_to_s)
		n++;
	snprintf(text, OUTPUT_RELATIVE_MAX, "%s%" PRId64 " %s%s", s < 0 ? "" : "in ", length / units[n].unit_s,
		 units[n].word, s < 0 ? " ago" : "");
}
