/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* launch.c: starts the user's browser: $BROWSER, else what the desktop has for it. */
#include <config.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"
#include "places.h"

#define WORDS_MAX 32

extern char **environ;

/* What may be there, in the order of preference; each is tried until one can be run. */
static const struct opener {
	const char *words[3];
	const char *variable; /* has to be set; NULL: on a desktop */
} openers[] = {
#ifdef __APPLE__
	{ { "open" }, "HOME" },
#endif
	{ { "wslview" }, "WSL_DISTRO_NAME" },
	{ { "xdg-open" }, NULL },
	{ { "gio", "open" }, NULL },
	{ { "x-www-browser" }, NULL },
	{ { "firefox" }, NULL },
	{ { "chromium" }, NULL },
	{ { "google-chrome" }, NULL },
};

static bool set(const char *variable)
{
	const char *value = secure_getenv(variable);

	return value && *value;
}

/* In a session of its own, so that Ctrl-C here doesn't end it; silent, since this terminal is ours. */
static bool start(char *const argv[], pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	sigset_t signals;
	int r;

	if (posix_spawn_file_actions_init(&actions))
		return false;
	if (posix_spawnattr_init(&attributes)) {
		posix_spawn_file_actions_destroy(&actions);
		return false;
	}
#ifdef POSIX_SPAWN_SETSID
	flags |= POSIX_SPAWN_SETSID;
#endif
	sigemptyset(&signals);
	posix_spawnattr_setsigmask(&attributes, &signals);
	sigfillset(&signals);
	posix_spawnattr_setsigdefault(&attributes, &signals);
	posix_spawnattr_setflags(&attributes, flags);
	r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!r)
		r = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (!r)
		r = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (!r)
		r = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return !r;
}

/* The words of $BROWSER are parted by blanks; %s stands for the URL, which else comes last. */
static bool start_own(const char *own, const char *url, struct launch *launch)
{
	char *text = strdup(own), *argv[WORDS_MAX + 2], *rest = NULL;
	bool placed = false, started;
	int n = 0;

	if (!text)
		return false;
	for (char *word = strtok_r(text, " \t", &rest); word && n < WORDS_MAX; word = strtok_r(NULL, " \t", &rest)) {
		bool here = !strcmp(word, "%s");

		argv[n++] = here ? (char *)(uintptr_t)url : word;
		placed |= here;
	}
	if (!placed)
		argv[n++] = (char *)(uintptr_t)url;
	argv[n] = NULL;
	started = n > 1 && start(argv, &launch->pid);
	launch->name = "$BROWSER";
	free(text);
	return started;
}

static bool start_opener(const struct opener *opener, const char *url, struct launch *launch)
{
	char *argv[4];
	int n = 0;

	while (opener->words[n]) {
		argv[n] = (char *)(uintptr_t)opener->words[n];
		n++;
	}
	argv[n++] = (char *)(uintptr_t)url;
	argv[n] = NULL;
	launch->name = opener->words[0];
	return start(argv, &launch->pid);
}

bool launch_browser(const char *url, struct launch *launch)
{
	const char *own = secure_getenv("BROWSER");
	bool desktop = set("DISPLAY") || set("WAYLAND_DISPLAY");

	*launch = (struct launch){ .pid = 0 };
	if (places_secure())
		return false;
	if (own && *own)
		return start_own(own, url, launch);
	for (size_t i = 0; i < sizeof(openers) / sizeof(*openers); i++) {
		const struct opener *opener = &openers[i];

		if ((opener->variable ? set(opener->variable) : desktop) && start_opener(opener, url, launch))
			return true;
	}
	launch->pid = 0;
	return false;
}

bool launch_well(struct launch *launch)
{
	int status;

	if (!launch->pid || waitpid(launch->pid, &status, WNOHANG) != launch->pid)
		return true; /* it runs; or the program reaps children itself */
	launch->pid = 0;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}
