/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_import.c: tokeep import: saves what export wrote, line by line. */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command_batch.h"
#include "command_json.h"

/* Longer than every field at its longest, each byte of it escaped. */
enum { LINE_MAX_BYTES = 8 << 20 };

/*
 * Lines of any length; what is given back is wiped.
 */

struct reader {
	int fd;
	char *data;
	size_t room, begin, end; /* what is not read yet is data[begin..end) */
	bool ended;
};

static void reader_free(struct reader *reader)
{
	if (reader->data)
		explicit_bzero(reader->data, reader->room);
	free(reader->data);
}

static int grow(struct reader *reader)
{
	size_t room = reader->room ? 2 * reader->room : 65536;
	char *data = malloc(room);

	if (!data)
		return -1;
	memcpy(data, reader->data ? reader->data : "", reader->end);
	reader_free(reader);
	reader->data = data;
	reader->room = room;
	return 0;
}

/* More bytes behind those that wait. -1 with errno. */
static int fill(struct reader *reader)
{
	ssize_t n;

	if (reader->begin) {
		memmove(reader->data, reader->data + reader->begin, reader->end - reader->begin);
		reader->end -= reader->begin;
		reader->begin = 0;
	}
	if (reader->end == reader->room && grow(reader))
		return -1;
	do
		n = read(reader->fd, reader->data + reader->end, reader->room - reader->end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	reader->ended = n == 0;
	reader->end += (size_t)n;
	return 0;
}

/* 1: a line, without its newline; 0: no more; -1 with errno. */
static int next_line(struct reader *reader, const char **line, size_t *size)
{
	size_t seen = 0;

	for (;;) {
		char *begin = reader->data ? reader->data + reader->begin : NULL;
		size_t waiting = reader->end - reader->begin;
		char *newline = waiting > seen ? memchr(begin + seen, '\n', waiting - seen) : NULL;

		if (newline || (reader->ended && waiting)) {
			*line = begin;
			*size = newline ? (size_t)(newline - begin) : waiting;
			reader->begin += *size + (newline != NULL);
			return 1;
		}
		if (reader->ended)
			return 0;
		if (waiting > LINE_MAX_BYTES) {
			errno = EFBIG;
			return -1;
		}
		seen = waiting;
		if (fill(reader))
			return -1;
	}
}

/*
 * Records
 */

struct import {
	struct command *cmd;
	const char *name; /* of the file */
	struct reader reader;
	struct batch *batch;
	struct progress progress;
	long long line;
};

static bool is_blank(const char *line, size_t size)
{
	while (size && strchr(" \t\r", line[size - 1]))
		size--;
	return !size;
}

/* What was right before is saved first, so that the count is true. */
static int refuse_line(struct import *import, int result, const char *why)
{
	int r = batch_finish(import->batch);

	return r ? r : say_error(import->cmd, result, "%s: line %lld: %s", import->name, import->line, why);
}

static bool has_something_to_keep(const struct tokeep_token *token)
{
	return tokeep_token_get(token, TOKEEP_FIELD_ACCESS_TOKEN) || tokeep_token_get(token, TOKEEP_FIELD_REFRESH_TOKEN) ||
	       tokeep_token_get(token, TOKEEP_FIELD_GRANT_TOKEN);
}

static int take_line(struct import *import, const char *line, size_t size)
{
	struct tokeep_token *token = tokeep_token_new();
	char why[256];

	if (!token)
		return refuse_line(import, TOKEEP_ENOMEM, "out of memory");
	if (json_read_record(line, size, token, why, sizeof(why))) {
		tokeep_token_free(token);
		return refuse_line(import, TOKEEP_EINVAL, why);
	}
	if (!has_something_to_keep(token)) {
		tokeep_token_free(token);
		return refuse_line(import, TOKEEP_EINVAL, "neither an access, a refresh nor a grant token is in it");
	}
	return batch_add(import->batch, token, import->line);
}

static int read_error(struct import *import)
{
	import->line++;
	if (errno == EFBIG)
		return refuse_line(import, TOKEEP_EINVAL, "longer than a record can be");
	return refuse_line(import, TOKEEP_EINTERNAL, strerror(errno));
}

static int take_all(struct import *import)
{
	const char *line;
	size_t size;
	int r = 0, more;

	while (!r && (more = next_line(&import->reader, &line, &size)) != 0) {
		if (more < 0)
			return read_error(import);
		import->line++;
		if (!is_blank(line, size))
			r = take_line(import, line, size);
		progress_show(&import->progress, import->line);
	}
	return r ? r : batch_finish(import->batch);
}

static int report(struct import *import, int result)
{
	struct command *cmd = import->cmd;
	const struct batch *batch = import->batch;

	say(cmd, "tokens saved: %lld", batch->saved);
	if (!cmd->json)
		return result;
	if (json_put_object((const struct json_item[]){
		    { "saved", JSON_NUMBER_ITEM, NULL, batch->saved },
		    { "new_ids", JSON_NUMBER_ITEM, NULL, batch->new_ids },
		    { NULL, JSON_TEXT_ITEM, NULL, 0 } }))
		return say_error(cmd, TOKEEP_ENOMEM, "out of memory");
	putchar('\n');
	return result;
}

static int open_source(struct import *import)
{
	const char *path = arguments_operand(import->cmd, 0);

	if (!path || !strcmp(path, "-")) {
		import->name = "standard input";
		if (isatty(STDIN_FILENO))
			say(import->cmd, "reading records from the terminal, one a line, up to Ctrl-D");
		return 0;
	}
	import->name = path;
	import->reader.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (import->reader.fd < 0)
		return say_error(import->cmd, TOKEEP_EINVAL, "%s: %s", path, strerror(errno));
	return 0;
}

static int import_from(struct import *import)
{
	char source[4096];
	int r;

	snprintf(source, sizeof(source), "%s: line", import->name);
	import->batch->cmd = import->cmd;
	import->batch->to = import->cmd->tk;
	import->batch->source = source;
	progress_begin(import->cmd, &import->progress, "lines read");
	r = take_all(import);
	progress_end(&import->progress);
	return report(import, r);
}

int verb_import(struct command *cmd)
{
	struct import import = { .cmd = cmd, .reader = { .fd = STDIN_FILENO } };
	int r = open_source(&import);

	if (r)
		return r;
	import.batch = calloc(1, sizeof(*import.batch));
	r = import.batch ? import_from(&import) : say_error(cmd, TOKEEP_ENOMEM, "out of memory");
	batch_free(import.batch);
	reader_free(&import.reader);
	if (import.reader.fd != STDIN_FILENO)
		close(import.reader.fd);
	return r;
}
