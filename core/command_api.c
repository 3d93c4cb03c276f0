/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_api.c: tokeep api: one call of an API with a valid token, the answer's body on standard output. */
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX ((size_t)256 << 20)

struct body {
	char *text;
	size_t size, room;
};

static void body_free(struct body *body)
{
	if (body->text)
		explicit_bzero(body->text, body->size);
	free(body->text);
}

/* Not realloc(), which would leave the old copy unwiped. */
static int grow(struct body *body)
{
	size_t room = body->room ? body->room * 2 : 64 << 10;
	char *larger = malloc(room);

	if (!larger)
		return -1;
	if (body->text) {
		memcpy(larger, body->text, body->size);
		explicit_bzero(body->text, body->size);
	}
	free(body->text);
	body->text = larger;
	body->room = room;
	return 0;
}

static int read_body(struct command *cmd, FILE *in, const char *name, struct body *body)
{
	while (!feof(in) && !ferror(in)) { /* the first round even of an empty file makes a body */
		if (body->size == body->room && grow(body))
			return say_error(cmd, TOKEEP_ENOMEM, "out of memory");
		body->size += fread(body->text + body->size, 1, body->room - body->size, in);
		if (body->size > BODY_MAX)
			return say_error(cmd, TOKEEP_EINVAL, "%s: longer than %zu bytes", name, BODY_MAX);
	}
	return ferror(in) ? say_error(cmd, TOKEEP_EINVAL, "%s: can't be read: %s", name, strerror(errno)) : 0;
}

/* DATA, @FILE, or - for standard input. */
static int take_data(struct command *cmd, struct body *body)
{
	const char *data = cmd->values[OPTION_DATA];
	FILE *in;
	int r;

	if (!data)
		return 0;
	if (!strcmp(data, "-"))
		return read_body(cmd, stdin, "standard input", body);
	if (*data != '@') {
		body->text = strdup(data);
		body->size = strlen(data);
		return body->text ? 0 : say_error(cmd, TOKEEP_ENOMEM, "out of memory");
	}
	in = fopen(data + 1, "rbe");
	if (!in)
		return say_error(cmd, TOKEEP_EINVAL, "%s: can't be read: %s", data + 1, strerror(errno));
	r = read_body(cmd, in, data + 1, body);
	fclose(in);
	return r;
}

/* Whoever reads may be gone; then there is no use in going on. output_close() says why. */
static int put(void *data, const char *bytes, size_t size)
{
	(void)data;
	fwrite(bytes, 1, size, stdout);
	return output_failed() ? TOKEEP_EINTERNAL : 0;
}

static int call(struct command *cmd, const char *url, const struct body *body, struct tokeep_token *token)
{
	struct tokeep_request request = {
		.method = cmd->values[OPTION_REQUEST], .url = url, .headers = cmd->many,
		.body = cmd->values[OPTION_DATA] ? body->text : NULL, .body_size = body->size, .take = put,
	};
	int r = tokeep_request(cmd->tk, token, &request);

	if (output_failed())
		return 0; /* output_close() has the reason */
	return r ? say_failure(cmd, cmd->tk, r, NULL) : 0;
}

static int api(struct command *cmd, struct tokeep_token *token, struct body *body)
{
	const char *url = cmd->operands[cmd->count - 1], *user = cmd->count > 1 ? cmd->operands[0] : NULL;
	int64_t timeout_s = 0;
	int r;

	if (*url != '/' && !strstr(url, "://"))
		return say_error(cmd, TOKEEP_EINVAL, "the last argument is to be a URL, or a path that begins with /");
	r = arguments_seconds(cmd, OPTION_TIMEOUT, &timeout_s);
	if (!r)
		r = take_data(cmd, body);
	if (!r)
		r = records_choose(cmd, user, token);
	if (r)
		return r;
	tokeep_set_timeout(cmd->tk, timeout_s * 1000);
	return call(cmd, url, body, token);
}

int verb_api(struct command *cmd)
{
	struct tokeep_token *token = tokeep_token_new();
	struct body body = { NULL, 0, 0 };
	int r = token ? api(cmd, token, &body) : say_error(cmd, TOKEEP_ENOMEM, "out of memory");

	body_free(&body);
	tokeep_token_free(token);
	return r;
}
