/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_export.c: tokeep export: every record with its secrets, one JSON object a line. A file is written for its
 * owner alone, and appears whole or not at all. */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command_json.h"

enum { STOPPED = 1, UNFIT = 2 }; /* why put_line ended the listing: output, or a record that has been told */

struct export {
	struct command *cmd;
	FILE *out;
	struct progress progress;
	long long count;
};

static int put_line(void *data, const struct tokeep_token *token)
{
	struct export *export = data;
	const char *id = tokeep_token_get(token, TOKEEP_FIELD_ID);
	int r = json_put_line(export->out, token);

	if (r == TOKEEP_ESTORE) {
		say_error(export->cmd, r, "token %s: a value is not UTF-8, which JSON can't hold", id ? id : "?");
		return UNFIT;
	}
	if (r)
		return r;
	progress_show(&export->progress, ++export->count);
	return ferror(export->out) ? STOPPED : 0;
}

/* Errors of writing are the caller's to tell. */
static int put_all(struct export *export)
{
	int r;

	progress_begin(export->cmd, &export->progress, "tokens exported");
	r = tokeep_get_tokens(export->cmd->tk, put_line, export);
	if (r == STOPPED)
		output_failed(); /* keeps errno, where it is standard output */
	progress_end(&export->progress);
	if (r < 0)
		return say_failure(export->cmd, export->cmd->tk, r, NULL);
	return r == UNFIT ? TOKEEP_ESTORE : 0;
}

/*
 * A file: beside the old one, then renamed over it. What is unfinished goes, also by a signal.
 */

static char temporary[4096];
static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static void remove_temporary(int sig)
{
	unlink(temporary);
	raise(sig); /* SA_RESETHAND: now as ever */
}

static void set_signals(void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESETHAND | SA_NODEFER };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

static int file_error(struct export *export, int result, const char *path)
{
	return say_error(export->cmd, result, "%s: %s", path, strerror(errno));
}

static int open_temporary(struct export *export, const char *path)
{
	struct stat old;
	int fd;

	if (!lstat(path, &old) && !S_ISREG(old.st_mode))
		return say_error(export->cmd, TOKEEP_EINVAL, "%s: not a regular file; to write to it all the same, run: "
							     "tokeep export - >%s", path, path);
	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return file_error(export, TOKEEP_EINVAL, path);
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return file_error(export, TOKEEP_EINVAL, path);
	export->out = fdopen(fd, "w");
	if (export->out)
		return 0;
	close(fd);
	return file_error(export, TOKEEP_ENOMEM, path);
}

static int sync_folder(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int r = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	free(copy);
	return r && errno != EINVAL ? -1 : 0; /* EINVAL: a file system that has nothing to sync */
}

static int write_file(struct export *export, const char *path)
{
	static char buffer[65536];
	int r, e = 0;

	setvbuf(export->out, buffer, _IOFBF, sizeof(buffer));
	r = put_all(export);
	if (ferror(export->out) || fflush(export->out) || fsync(fileno(export->out)))
		e = errno ? errno : EIO;
	if (fclose(export->out) && !e)
		e = errno;
	explicit_bzero(buffer, sizeof(buffer));
	if (r)
		return r;
	if (!e && rename(temporary, path))
		e = errno;
	errno = e;
	return e || sync_folder(path) ? file_error(export, TOKEEP_EINTERNAL, path) : 0;
}

static int to_file(struct export *export, const char *path)
{
	int r;

	set_signals(remove_temporary);
	r = open_temporary(export, path);
	if (!r)
		r = write_file(export, path);
	if (r && *temporary)
		unlink(temporary);
	set_signals(SIG_DFL);
	return r;
}

int verb_export(struct command *cmd)
{
	struct export export = { .cmd = cmd, .out = stdout };
	const char *path = arguments_operand(cmd, 0);
	int r;

	if (!path || !strcmp(path, "-"))
		return put_all(&export);
	r = to_file(&export, path);
	if (!r)
		say(cmd, "%s: tokens exported: %lld", path, export.count);
	return r;
}
