/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * command_say.c: what goes to standard error: errors, warnings, and what people like to know. With --json all of
 * it is JSON, an object a line, and what is for people alone is left out.
 */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "command_json.h"

/* One line, of one write. */
static void say_line(const char *before, const char *text)
{
	char *clean = output_clean(text);

	if (output_terminal())
		fflush(stdout); /* what was printed before stands before */
	fprintf(stderr, "tokeep: %s%s\n", before, clean ? clean : "out of memory");
	free(clean);
}

static int tell(struct command *cmd, int result, const char *text, int64_t retry_after_s)
{
	char *clean = cmd->json ? output_clean(text) : NULL;

	if (cmd->json)
		json_put_error(stderr, tokeep_class_name(result), clean ? clean : "out of memory", retry_after_s);
	else
		say_line("", text);
	free(clean);
	return result;
}

TOKEEP_PRINTF(1, 0) static char *format_text(const char *format, va_list args)
{
	char *text;

	return vasprintf(&text, format, args) < 0 ? NULL : text;
}

int say_error(struct command *cmd, int result, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = format_text(format, args);
	va_end(args);
	tell(cmd, result, text ? text : "out of memory", -1);
	free(text);
	return result;
}

int say_failure(struct command *cmd, struct tokeep *tk, int result, const char *about)
{
	const char *message = tokeep_message(tk);
	char *text = NULL;

	if (!*message)
		message = tokeep_class_name(result);
	if (about && asprintf(&text, "%s: %s", about, message) < 0)
		text = NULL;
	tell(cmd, result, text ? text : message, tokeep_retry_after(tk));
	free(text);
	return result;
}

void say(struct command *cmd, const char *format, ...)
{
	va_list args;
	char *text;

	if (cmd->json || cmd->level < TOKEEP_LOG_WARNING)
		return;
	va_start(args, format);
	text = format_text(format, args);
	va_end(args);
	if (text)
		say_line("", text);
	free(text);
}

static void warn(struct command *cmd, const char *text)
{
	if (cmd->json)
		json_put_warning(stderr, text);
	else
		say_line("warning: ", text);
}

void say_warning(struct command *cmd, const char *format, ...)
{
	va_list args;
	char *text;

	if (cmd->level < TOKEEP_LOG_WARNING)
		return;
	va_start(args, format);
	text = format_text(format, args);
	va_end(args);
	if (text)
		warn(cmd, text);
	free(text);
}

/* Where the library speaks. Errors among its lines are warnings here: what fails is told once, by the verb. */
static void log_line(void *data, int level, const char *line)
{
	struct command *cmd = data;

	if (level > cmd->level)
		return;
	if (level <= TOKEEP_LOG_WARNING)
		warn(cmd, line);
	else if (!cmd->json)
		say_line("", line);
}

int say_open(struct command *cmd, struct tokeep **tk)
{
	int r = tokeep_new(tk);

	if (r)
		return say_error(cmd, r, "out of memory");
	tokeep_set_log(*tk, log_line, cmd);
	r = tokeep_load(*tk, cmd->config);
	if (r)
		return say_failure(cmd, *tk, r, NULL);
	return 0;
}

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_begin(struct command *cmd, struct progress *progress, const char *what)
{
	bool wanted = !cmd->json && cmd->level >= TOKEEP_LOG_WARNING && isatty(STDERR_FILENO);

	progress->what = wanted ? what : NULL;
	progress->shown = false;
	progress->next_ms = wanted ? clock_ms() + 1000 : 0;
}

void progress_show(struct progress *progress, long long count)
{
	int64_t now_ms;

	if (!progress->what)
		return;
	now_ms = clock_ms();
	if (now_ms < progress->next_ms)
		return;
	fprintf(stderr, "\r%lld %s", count, progress->what);
	progress->shown = true;
	progress->next_ms = now_ms + 200;
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		fprintf(stderr, "\r%79s\r", "");
	progress->shown = false;
}
