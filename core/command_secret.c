/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * command_secret.c: secrets come in by standard input, or by a prompt where that is a terminal, so that they are
 * in nobody's list of processes nor in a shell's history.
 */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* The longest value, a line end of two, and one byte more to notice what is too long. */
enum { SECRET_MAX = TOKEEP_VALUE_MAX + 3 };

/* What Linux keeps of a line that is typed, its newline included. */
enum { TERMINAL_LINE_MAX = 4096 };

static volatile sig_atomic_t caught;

static void catch_signal(int sig)
{
	caught = sig;
}

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

struct quiet_terminal {
	struct termios saved;
	struct sigaction actions[SIGNALS];
	sigset_t mask;
};

static void quiet_end(const struct quiet_terminal *quiet)
{
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet->saved);
	for (int i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &quiet->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &quiet->mask, NULL);
}

/* Signals come only while quiet_read() waits, so that none is missed, and the echo is switched on again before one
 * acts. What is ignored stays ignored. */
static int quiet_begin(struct quiet_terminal *quiet)
{
	struct sigaction action = { .sa_handler = catch_signal };
	struct termios silent;
	sigset_t ours;

	if (tcgetattr(STDIN_FILENO, &quiet->saved))
		return -1;
	caught = 0;
	sigemptyset(&ours);
	for (int i = 0; i < SIGNALS; i++)
		sigaddset(&ours, signals[i]);
	sigprocmask(SIG_BLOCK, &ours, &quiet->mask);
	for (int i = 0; i < SIGNALS; i++) {
		sigaction(signals[i], NULL, &quiet->actions[i]);
		if (quiet->actions[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
	silent = quiet->saved;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	silent.c_lflag |= ECHONL | ICANON;
	if (!tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent))
		return 0;
	quiet_end(quiet);
	return -1;
}

static ssize_t quiet_read(const struct quiet_terminal *quiet, char *text, size_t size)
{
	struct pollfd terminal = { .fd = STDIN_FILENO, .events = POLLIN };

	if (ppoll(&terminal, 1, NULL, &quiet->mask) < 0)
		return -1;
	return read(STDIN_FILENO, text, size);
}

/* One line, which the terminal gives whole, or without what is beyond its limit. */
static ssize_t read_terminal(const char *what, char *text, size_t size)
{
	struct quiet_terminal quiet;
	ssize_t n;
	int e;

	for (;;) {
		if (quiet_begin(&quiet))
			return -1;
		fprintf(stderr, "%s (is not shown): ", what);
		n = quiet_read(&quiet, text, size);
		e = errno;
		quiet_end(&quiet);
		errno = e;
		if (n >= 0 || e != EINTR || !caught)
			return n;
		fputc('\n', stderr);
		raise(caught); /* a stop: go on after it with asking again */
	}
}

/* Up to the end of file. */
static ssize_t read_file(char *text, size_t size)
{
	size_t length = 0;
	ssize_t n;

	while (length < size) {
		n = read(STDIN_FILENO, text + length, size - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	return (ssize_t)length;
}

/* Without one newline at the end. */
static size_t trim(char *text, size_t length)
{
	if (length && text[length - 1] == '\n')
		text[--length] = '\0';
	if (length && text[length - 1] == '\r')
		text[--length] = '\0';
	return length;
}

/* Why this is no secret; NULL: it is one. */
static const char *refusal(const char *text, size_t length)
{
	if (memchr(text, '\0', length))
		return "a NUL byte is in it";
	if (memchr(text, '\n', length) || memchr(text, '\r', length))
		return "more than one line";
	if (length > TOKEEP_VALUE_MAX)
		return "longer than 65536 bytes";
	return NULL;
}

int secret_read(struct command *cmd, const char *what, char **secret)
{
	char *text = calloc(1, SECRET_MAX + 1);
	bool terminal = isatty(STDIN_FILENO);
	const char *why;
	ssize_t n;

	if (!text)
		return say_error(cmd, TOKEEP_ENOMEM, "out of memory");
	n = terminal ? read_terminal(what, text, SECRET_MAX) : read_file(text, SECRET_MAX);
	if (n < 0)
		why = strerror(errno);
	else if (terminal && n >= TERMINAL_LINE_MAX)
		why = "longer than a terminal takes; give it by a pipe";
	else
		why = refusal(text, trim(text, (size_t)n));
	if (!why) {
		*secret = text;
		return 0;
	}
	explicit_bzero(text, SECRET_MAX);
	free(text);
	return say_error(cmd, TOKEEP_EINVAL, "%s: standard input: %s", what, why);
}

int secret_ask(struct command *cmd, const char *what, const char *otherwise, char **answer)
{
	char text[TERMINAL_LINE_MAX + 1] = "";
	ssize_t n;

	if (otherwise && *otherwise)
		fprintf(stderr, "%s [%s]: ", what, otherwise);
	else
		fprintf(stderr, "%s: ", what);
	do
		n = read(STDIN_FILENO, text, sizeof(text) - 1);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return say_error(cmd, TOKEEP_EINVAL, "%s: there is no answer", what);
	n = (ssize_t)trim(text, (size_t)n);
	for (ssize_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return say_error(cmd, TOKEEP_EINVAL, "%s: a control character is in it", what);
	*answer = strdup(n || !otherwise ? text : otherwise);
	explicit_bzero(text, sizeof(text));
	return *answer ? 0 : say_error(cmd, TOKEEP_ENOMEM, "out of memory");
}

void secret_drop(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

int secret_option(struct command *cmd, enum option_id id, const char *what, char **secret)
{
	const char *value = cmd->values[id];

	if (!strcmp(value, "-"))
		return secret_read(cmd, what, secret);
	*secret = strdup(value);
	return *secret ? 0 : say_error(cmd, TOKEEP_ENOMEM, "out of memory");
}
