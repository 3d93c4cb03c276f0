/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * command.c: tokeep, the command. It makes the process fit for secrets, reads the arguments
 * (command_arguments.c), runs the verb they name (command_verbs.c has the table) and turns its result into the
 * exit code.
 */
#include "command.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "command_json.h"

/* A file opened later must not become one of the three by chance. The modes are such that using what was closed
 * fails, as it should. */
static void open_standard_files(void)
{
	static const int modes[] = { O_WRONLY, O_RDONLY, O_RDONLY };

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			_exit(1);
}

/* Secrets must get neither into a core dump nor to another process of the user, and no library that is loaded
 * later may write the keys of TLS to a file. A pipe closed or a file-size limit is an error to report, not a
 * death in the middle of a save. */
static void guard_process(void)
{
	const struct rlimit none = { 0, 0 };

#ifdef __linux__
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	setrlimit(RLIMIT_CORE, &none);
	unsetenv("SSLKEYLOGFILE");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

static void warn_of_passing_store(struct command *cmd)
{
	if (cmd->tk && tokeep_scope(cmd->tk) == TOKEEP_SCOPE_PROCESS)
		say(cmd, "note: the tokens of this store end with this process; a store that lasts is chosen by `store` in "
			 "the config");
}

static int run(struct command *cmd)
{
	int r = 0;

	if (cmd->verb->context)
		r = say_open(cmd, &cmd->tk);
	if (!r)
		r = cmd->verb->run(cmd);
	warn_of_passing_store(cmd);
	return r;
}

int main(int argc, char **argv)
{
	struct command cmd = { .level = TOKEEP_LOG_WARNING };
	int r;

	open_standard_files();
	guard_process();
	json_guard();
	output_open();

	r = arguments_parse(&cmd, argc, argv);
	if (!r)
		r = run(&cmd);
	r = output_close(&cmd, r < 0 ? r : 0);

	tokeep_free(cmd.tk);
	arguments_free(&cmd);
	return tokeep_exit_code(r);
}
