/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* private.c: the library's own shared objects. Built and installed with it, never unloaded. */
#include "private.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf.h"

static int load(const char *path, const char *symbol, unsigned int version, const char *need, const void **found,
		struct error *err)
{
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	const unsigned int *first = object ? dlsym(object, symbol) : NULL;

	if (!first)
		return error_set(err, TOKEEP_ELOAD, "%s: can't be loaded, so %s: %s", path, need, dlerror());
	if (*first != version)
		return error_set(err, TOKEEP_ELOAD,
				 "%s: version %u, but this libtokeep needs %u: they were not installed together", path,
				 *first, version);
	*found = first;
	return 0;
}

int private_load(const char *name, const char *symbol, unsigned int version, const char *need, const void **found,
		 struct error *err)
{
	char *path;
	int r = 0;

	if (asprintf(&path, "%s/private/%s.so", conf_libdir(), name) < 0)
		return error_nomem(err);
	*found = NULL;
	if (!access(path, F_OK))
		r = load(path, symbol, version, need, found, err);
	free(path);
	return r;
}
