/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* launch.h: starts the user's browser. */
#ifndef TOKEEP_CORE_LAUNCH_H
#define TOKEEP_CORE_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

struct launch {
	pid_t pid;        /* 0: none runs */
	const char *name; /* of the program; valid as long as the environment isn't changed */
};

/* false: there is none, or it can't be started; or the program runs with more rights than its user has. The URL is an
 * argument of its own; no shell sees it. */
bool launch_browser(const char *url, struct launch *launch);
/* false: it has ended by now, and says that it failed. */
bool launch_well(struct launch *launch);
#endif
