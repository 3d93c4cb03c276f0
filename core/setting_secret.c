/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* setting_secret.c: a secret of the configuration: NAME itself, NAME_file, NAME_env or NAME_command. */
#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "places.h"
#include "safefile.h"
#include "secret.h"
#include "settings.h"

#define SECRET_SIZE_MAX TOKEEP_VALUE_MAX
#define COMMAND_TIMEOUT_MS 30000
#define ARGUMENTS_MAX 64

extern char **environ;

bool setting_secret_name(const char *name)
{
	static const char *const names[] = {"client_secret", "password", "passphrase", "secret", "token"};
	static const char *const ends[] = {"_secret", "_password"};
	size_t i, n = strlen(name), end;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		end = strlen(ends[i]);
		if (n > end && !strcmp(name + n - end, ends[i]))
			return true;
	}
	return false;
}

/* Bytes of a file or a pipe become the value. `from` is what the message calls them. */
static int take(const struct setting *setting, const char *from, char *bytes, size_t size, struct error *err)
{
	if (size && bytes[size - 1] == '\n')
		size--;
	bytes[size] = '\0';
	if (!size)
		return setting_refuse(setting, err, "%s: there is nothing in it", from);
	if (strlen(bytes) != size || strpbrk(bytes, "\r\n"))
		return setting_refuse(setting, err, "%s: has NUL, CR or LF in it, more than one line?", from);
	return 0;
}

static int inline_form(const struct setting *setting, char **value, struct error *err)
{
	if (setting->type != SETTING_STRING)
		return setting_refuse(setting, err, "wants %s, has %s", setting_type_name(SETTING_STRING),
				      setting_type_name(setting->type));
	if (setting->readable)
		return setting_refuse(setting, err, "others may read this file and the secret in it; run: chmod 600 %s",
				      setting->file);
	if (!*setting->text)
		return 0;
	*value = strdup(setting->text);
	return *value ? 0 : error_nomem(err);
}

static int env_form(const struct setting *setting, char **value, struct error *err)
{
	const char *variable;

	if (setting->type != SETTING_STRING)
		return setting_refuse(setting, err, "wants the name of a variable in quotes, has %s",
				      setting_type_name(setting->type));
	variable = secure_getenv(setting->text);
	if (!variable || !*variable)
		return setting_refuse(setting, err, "the variable %s is not set%s", setting->text,
				      places_secure() ? " (none is, for a setuid program)" : "");
	if (strpbrk(variable, "\r\n"))
		return setting_refuse(setting, err, "the variable %s has CR or LF in it", setting->text);
	*value = strdup(variable);
	return *value ? 0 : error_nomem(err);
}

/* What is left of a deadline on the monotonic clock, for poll. */
static int left_ms(const struct timespec *start)
{
	struct timespec now;
	int64_t gone_ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	gone_ms = (now.tv_sec - start->tv_sec) * 1000LL + (now.tv_nsec - start->tv_nsec) / 1000000;
	return gone_ms >= COMMAND_TIMEOUT_MS ? 0 : (int)(COMMAND_TIMEOUT_MS - gone_ms);
}

/* Reads to the end, at most SECRET_SIZE_MAX + 1 bytes. NULL, else why not. */
static const char *drain(int fd, const struct timespec *start, char *bytes, size_t *size)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	ssize_t n;
	int r;

	*size = 0;
	for (;;) {
		r = start ? poll(&ready, 1, left_ms(start)) : 1;
		if (!r)
			return "has not finished within 30 s";
		if (r < 0 && errno == EINTR)
			continue;
		n = r < 0 ? -1 : read(fd, bytes + *size, SECRET_SIZE_MAX + 1 - *size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return strerror(errno);
		if (!n)
			return NULL;
		*size += n;
		if (*size > SECRET_SIZE_MAX)
			return "gives more than 64 KiB";
	}
}

static int file_form(const struct setting *setting, char **value, struct error *err)
{
	char why[SAFEFILE_WHY] = "", *path = NULL, *bytes = NULL;
	const char *failed;
	size_t size = 0;
	int fd, r;

	r = setting_path(setting, &path, err);
	if (r)
		return r;
	fd = safefile_open(path, O_RDONLY, why);
	if (fd < 0) {
		r = setting_refuse(setting, err, "%s: %s", path, *why ? why : strerror(errno));
		goto out;
	}
	bytes = malloc(SECRET_SIZE_MAX + 2);
	if (!bytes) {
		r = error_nomem(err);
		goto out;
	}
	failed = drain(fd, NULL, bytes, &size);
	r = failed ? setting_refuse(setting, err, "%s: %s", path, failed) : take(setting, path, bytes, size, err);
	if (!r) {
		*value = strdup(bytes);
		r = *value ? 0 : error_nomem(err);
	}
 out:
	if (fd >= 0)
		close(fd);
	if (bytes)
		secret_free_size(bytes, SECRET_SIZE_MAX + 2);
	free(path);
	return r;
}

static int arguments(const struct setting *setting, char *argv[ARGUMENTS_MAX + 1], struct error *err)
{
	const struct setting *element;
	int n = 0;

	if (setting->type != SETTING_ARRAY || !setting->first)
		return setting_refuse(setting, err, "wants an array, the program and its arguments, has %s",
				      setting_type_name(setting->type));
	for (element = setting->first; element; element = element->next) {
		if (element->type != SETTING_STRING)
			return setting_refuse(element, err, "wants %s", setting_type_name(SETTING_STRING));
		if (n == ARGUMENTS_MAX)
			return setting_refuse(setting, err, "more than %d arguments", ARGUMENTS_MAX);
		argv[n++] = element->text;
	}
	argv[n] = NULL;
	if (!*argv[0] || (strchr(argv[0], '/') && *argv[0] != '/'))
		return setting_refuse(setting, err,
				      "%s: wants an absolute path, or a bare name to be looked for in $PATH", argv[0]);
	return 0;
}

/* It stays in our process group, so that a program that asks for a passphrase may use the terminal. */
static int start(char *argv[], int out, pid_t *pid)
{
	static char *const bare[] = {(char *)"PATH=/usr/bin:/bin", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t signals;
	int r;

	r = posix_spawn_file_actions_init(&actions);
	if (r)
		return r;
	r = posix_spawnattr_init(&attributes);
	if (r) {
		posix_spawn_file_actions_destroy(&actions);
		return r;
	}
	sigemptyset(&signals);
	posix_spawnattr_setsigmask(&attributes, &signals);
	sigaddset(&signals, SIGPIPE);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	posix_spawnattr_setsigdefault(&attributes, &signals);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (!r)
		r = posix_spawnp(pid, argv[0], &actions, &attributes, argv,
				 places_secure() ? bare : environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

/* The rest of the time for it to end by itself after it has closed its output. */
static const char *finish(pid_t pid, const struct timespec *begun, int *status)
{
	struct timespec nap = {.tv_nsec = 1000000};
	pid_t r;

	for (;;) {
		r = waitpid(pid, status, WNOHANG);
		if (r == pid)
			return NULL;
		if (r < 0 && errno != EINTR)
			return strerror(errno); /* the program reaps children itself */
		if (!left_ms(begun))
			return "has not finished within 30 s";
		nanosleep(&nap, NULL);
	}
}

static int run(const struct setting *setting, char *argv[], char *bytes, size_t *size, struct error *err)
{
	struct timespec begun;
	const char *failed;
	int ends[2], status = 0, r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return setting_refuse(setting, err, "pipe: %s", strerror(errno));
	clock_gettime(CLOCK_MONOTONIC, &begun);
	r = start(argv, ends[1], &pid);
	close(ends[1]);
	if (r) {
		close(ends[0]);
		return setting_refuse(setting, err, "%s: %s", argv[0], strerror(r));
	}
	failed = drain(ends[0], &begun, bytes, size);
	close(ends[0]);
	if (!failed)
		failed = finish(pid, &begun, &status);
	if (failed) {
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		return setting_refuse(setting, err, "%s: %s", argv[0], failed);
	}
	if (WIFSIGNALED(status))
		return setting_refuse(setting, err, "%s: ended by signal %d (%s)", argv[0], WTERMSIG(status),
				      strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status))
		return setting_refuse(setting, err, "%s: failed with exit status %d%s", argv[0], WEXITSTATUS(status),
				      WEXITSTATUS(status) == 127 ? " (is it installed?)" : "");
	return 0;
}

static int command_form(const struct setting *setting, char **value, struct error *err)
{
	char *argv[ARGUMENTS_MAX + 1], *bytes;
	size_t size = 0;
	int r;

	r = arguments(setting, argv, err);
	if (r)
		return r;
	bytes = malloc(SECRET_SIZE_MAX + 2);
	if (!bytes)
		return error_nomem(err);
	r = run(setting, argv, bytes, &size, err);
	if (!r)
		r = take(setting, argv[0], bytes, size, err);
	if (!r) {
		*value = strdup(bytes);
		r = *value ? 0 : error_nomem(err);
	}
	secret_free_size(bytes, SECRET_SIZE_MAX + 2);
	return r;
}

static const struct {
	const char *suffix;
	int (*read)(const struct setting *setting, char **value, struct error *err);
} forms[] = {
	{"", inline_form},
	{"_file", file_form},
	{"_env", env_form},
	{"_command", command_form},
};

int setting_secret(const struct setting *group, const char *name, char **value, struct error *err)
{
	const struct setting *found = NULL, *setting;
	char full[128], *read = NULL;
	size_t i, form = 0;
	int r;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		snprintf(full, sizeof(full), "%s%s", name, forms[i].suffix);
		setting = setting_member(group, full);
		if (setting && found)
			return setting_refuse(setting, err, "the secret is given in line %d of %s already, as %s",
					      found->line, found->file, found->name);
		if (setting) {
			found = setting;
			form = i;
		}
	}
	if (!found) {
		*value = NULL;
		return 0;
	}
	r = forms[form].read(found, &read, err);
	if (!r)
		*value = read;
	return r;
}
