/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_device.c: tokeep login --device: what the user is told to do on another device. */
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "command_json.h"

static void show_text(const char *uri, const char *complete, const char *user_code, int64_t expires_in_s)
{
	bool terminal = isatty(STDERR_FILENO);

	if (terminal)
		qr_draw(stderr, complete ? complete : uri);
	fprintf(stderr, "On any device, open   %s\nand enter the code    %s\n", uri, user_code);
	if (complete)
		fprintf(stderr, "or open at once       %s\n(the same code must be shown there)\n", complete);
	fprintf(stderr, "Approve the login there within %" PRId64 " min%s\n", (expires_in_s + 59) / 60,
		terminal ? "; Ctrl-C gives up." : ".");
}

static void show(void *data, const char *uri, const char *complete, const char *user_code, int64_t expires_in_s)
{
	struct command *cmd = data;

	if (cmd->json)
		json_put_device(stderr, uri, complete, user_code, expires_in_s);
	else
		show_text(uri, complete, user_code, expires_in_s);
}

int device_login(struct command *cmd, const char *client, const char *secret, struct tokeep_token *token)
{
	const struct tokeep_device_login ui = { .show = show, .data = cmd };

	(void)secret;
	return tokeep_login_device(cmd->tk, client, &ui, token);
}
