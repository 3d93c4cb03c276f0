/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* places.c: the folders that tokeep uses. In a setuid program no variable counts. */
#include <config.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/auxv.h>
#endif
#include "places.h"

bool places_secure(void)
{
#ifdef __linux__
	return getauxval(AT_SECURE) != 0;
#else
	return issetugid();
#endif
}

static const char *variable(const char *name, const char *otherwise)
{
	const char *value = secure_getenv(name);

	return value && *value ? value : otherwise;
}

const char *conf_libdir(void)
{
	return variable("TOKEEP_LIBDIR", TOKEEP_PKGLIBDIR);
}

const char *conf_datadir(void)
{
	return variable("TOKEEP_DATADIR", TOKEEP_PKGDATADIR);
}

const char *conf_home(void)
{
	static _Thread_local char home[4096];
	const char *value = variable("HOME", NULL);
	struct passwd entry, *found = NULL;
	char space[4096];

	if (value && *value == '/')
		return value;
	if (getpwuid_r(geteuid(), &entry, space, sizeof(space), &found) || !found)
		return NULL;
	if (*entry.pw_dir != '/' || strlen(entry.pw_dir) >= sizeof(home))
		return NULL;
	return memcpy(home, entry.pw_dir, strlen(entry.pw_dir) + 1);
}

/* The XDG rule: the variable where it is absolute, else a folder of the home. */
static char *xdg(const char *name, const char *otherwise, const char *file)
{
	const char *base = variable(name, NULL), *home = "";
	char *path;

	if (!base || *base != '/') {
		base = otherwise;
		home = conf_home();
	}
	if (!home || asprintf(&path, "%s%s/tokeep%s%s", home, base, file ? "/" : "", file ? file : "") < 0)
		return NULL;
	return path;
}

char *places_config(const char *file)
{
	return xdg("XDG_CONFIG_HOME", "/.config", file);
}

char *places_state(const char *file)
{
	return xdg("XDG_STATE_HOME", "/.local/state", file);
}
