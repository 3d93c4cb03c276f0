/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_browser.c: tokeep login without more: in the browser, and by pasting at the terminal at the same time. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "command_json.h"

struct invitation {
	struct command *cmd;
	bool pastes;
	int port; /* 0: pasting is the only way */
};

static void listening(void *data, int port)
{
	struct invitation *invitation = data;

	invitation->port = port;
}

/* What is needed to log in is said with -q, too. */
static void show(void *data, const char *url)
{
	struct invitation *invitation = data;
	int port = invitation->port;

	if (invitation->cmd->json) {
		json_put_login(stderr, url, port);
		return;
	}
	fprintf(stderr, "To log in, open this URL in a browser:\n\n%s\n\n", url);
	if (port)
		fprintf(stderr, "The browser comes back to this computer, port %d. Where it runs on another one, have there:\n"
			"    ssh -L %d:127.0.0.1:%d THIS-COMPUTER\n", port, port, port);
	if (invitation->pastes)
		fprintf(stderr, "%s the URL that the browser ends at, or the code, and press Enter:\n",
			port ? "Or paste here" : "Paste here");
}

/* Not in the background, where reading would stop us. */
static bool can_paste(void)
{
	return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static int read_port(struct command *cmd, int *port)
{
	const char *text = cmd->values[OPTION_PORT];
	char *end;
	long n;

	if (!text)
		return 0;
	n = strtol(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || n < 1 || n > 65535)
		return say_error(cmd, TOKEEP_EINVAL, "--port: takes a number from 1 to 65535");
	*port = (int)n;
	return 0;
}

int browser_login(struct command *cmd, struct tokeep_token *token)
{
	struct invitation invitation = { .cmd = cmd, .pastes = can_paste() };
	struct tokeep_browser_login how = {
		.open_browser = !cmd->values[OPTION_NO_BROWSER],
		.paste_fd = invitation.pastes ? STDIN_FILENO : -1,
		.show = show,
		.listening = listening,
		.data = &invitation,
	};
	int r = read_port(cmd, &how.port);

	if (r)
		return r;
	r = tokeep_login_browser(cmd->tk, arguments_operand(cmd, 0), &how, token);
	return r ? say_failure(cmd, cmd->tk, r, NULL) : 0;
}
