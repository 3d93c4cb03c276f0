/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * loader.c: from a store's word to its entry points.
 *
 * A plugin is never unloaded: threads and destructors of the libraries it brought may outlive it. It is
 * bound at once and kept to itself (RTLD_NOW, RTLD_LOCAL), so that a missing function is an error here and not a
 * crash later, and two stores can't take each other's symbols.
 */
#include "loader.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ENTRY(name, required) { "tokeep_store_" #name, offsetof(struct store_ops, name), required }

static const struct {
	const char *symbol;
	size_t offset;
	bool required;
} entries[] = {
	ENTRY(find_token, true),
	ENTRY(find_token_by_id, true),
	ENTRY(save_token, true),
	ENTRY(delete_token, true),
	ENTRY(get_tokens, true),
	ENTRY(delete_tokens, true),
	ENTRY(open, false),
	ENTRY(close, false),
	ENTRY(lock, false),
	ENTRY(unlock, false),
	ENTRY(swap_token, false),
	ENTRY(begin, false),
	ENTRY(commit, false),
	ENTRY(probe, false),
};

/* Entry points of which one without the other is a mistake. */
static const struct {
	const char *a, *b;
	size_t a_offset, b_offset;
} pairs[] = {
	{ "tokeep_store_lock", "tokeep_store_unlock", offsetof(struct store_ops, lock),
	  offsetof(struct store_ops, unlock) },
	{ "tokeep_store_begin", "tokeep_store_commit", offsetof(struct store_ops, begin),
	  offsetof(struct store_ops, commit) },
};

static void **slot(struct store_ops *ops, size_t offset)
{
	return (void **)((char *)ops + offset);
}

/*
 * What is installed
 */

static int is_store_file(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 3 && !strcmp(entry->d_name + n - 3, ".so");
}

int loader_installed(int (*each)(void *data, const char *name), void *data)
{
	struct dirent **list;
	int r = 0, n = scandir(conf_libdir(), &list, is_store_file, alphasort);

	if (n < 0)
		return 0;
	for (int i = 0; i < n; i++) {
		list[i]->d_name[strlen(list[i]->d_name) - 3] = '\0';
		if (!r)
			r = each(data, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return r;
}

static int add_name(void *data, const char *name)
{
	struct error *err = data;

	error_add(err, " %s", name);
	return 0;
}

static int count_name(void *data, const char *name)
{
	(void)name;
	++*(int *)data;
	return 0;
}

static void add_installed(struct error *err)
{
	int n = 0;

	loader_installed(count_name, &n);
	if (!n) {
		error_add(err, "; no store is installed in %s", conf_libdir());
		return;
	}
	error_add(err, "; installed in %s:", conf_libdir());
	loader_installed(add_name, err);
}

/*
 * Finding and checking the file
 */

/* Whoever can put another file there chooses what runs in our process. */
static int check_folders(const char *path, struct error *err)
{
	char *folder = strdup(path), *slash;
	struct stat st;
	int r = 0;

	if (!folder)
		return error_nomem(err);
	while (!r && (slash = strrchr(folder, '/'))) {
		*slash = '\0';
		if (stat(*folder ? folder : "/", &st))
			break; /* dlopen says it better */
		if (st.st_mode & S_IWOTH && !(st.st_mode & S_ISVTX))
			r = error_set(err, TOKEEP_ELOAD,
				      "%s: not loaded: anybody may write into %s; run: chmod o-w %s", path,
				      *folder ? folder : "/", *folder ? folder : "/");
	}
	free(folder);
	return r;
}

static int check_file(const char *path, struct error *err)
{
	struct stat st;

	if (stat(path, &st))
		return 0; /* dlopen says it better */
	if (!S_ISREG(st.st_mode))
		return error_set(err, TOKEEP_ELOAD, "%s: not loaded: no regular file", path);
	if (st.st_mode & S_IWOTH)
		return error_set(err, TOKEEP_ELOAD, "%s: not loaded: anybody may write it; run: chmod o-w %s",
				 path, path);
	return check_folders(path, err);
}

static int locate(const struct conf *conf, const char *word, char **path, struct error *err)
{
	const char *given = conf_store_path(conf, word);

	if (given)
		*path = strdup(given);
	else if (asprintf(path, "%s/%s.so", conf_libdir(), word) < 0)
		*path = NULL;
	return *path ? 0 : error_nomem(err);
}

/*
 * Loading
 */

static int load_object(const char *path, bool bare, void **object, struct error *err)
{
	int r = check_file(path, err);
	const char *why;

	if (r)
		return r;
	*object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (*object)
		return 0;
	why = dlerror();
	/* The linker's words come whole, since they often name a library that the plugin needs; but the path once. */
	if (why && !strncmp(why, path, strlen(path)) && why[strlen(path)] == ':')
		why += strlen(path) + 2;
	error_set(err, TOKEEP_ELOAD, "%s: can't be loaded: %s", path, why ? why : "no reason given");
	if (bare)
		add_installed(err);
	return TOKEEP_ELOAD;
}

static int check_version(void *object, struct plugin *plugin, struct error *err)
{
	const unsigned int *abi = dlsym(object, "tokeep_store_abi");

	if (!abi)
		return error_set(err, TOKEEP_ELOAD,
				 "%s: lacks tokeep_store_abi, so it is no store of tokeep: see tokeep-store(3)",
				 plugin->path);
	plugin->abi = *abi;
	if (*abi >> 16 != TOKEEP_STORE_ABI_MAJOR || (*abi & 0xffff) > TOKEEP_STORE_ABI_MINOR)
		return error_set(err, TOKEEP_ELOAD,
				 "%s: made for interface %u.%u, this tokeep has %u.%u: %s", plugin->path,
				 *abi >> 16, *abi & 0xffff, TOKEEP_STORE_ABI_MAJOR, TOKEEP_STORE_ABI_MINOR,
				 *abi >> 16 > TOKEEP_STORE_ABI_MAJOR || *abi >> 16 == TOKEEP_STORE_ABI_MAJOR ?
					 "upgrade tokeep" : "build the store again");
	return 0;
}

static int resolve(void *object, struct plugin *plugin, struct error *err)
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		void *function = dlsym(object, entries[i].symbol);

		if (!function && entries[i].required)
			return error_set(err, TOKEEP_ELOAD, "%s: lacks %s", plugin->path, entries[i].symbol);
		*slot(&plugin->ops, entries[i].offset) = function;
	}
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		bool a = *slot(&plugin->ops, pairs[i].a_offset), b = *slot(&plugin->ops, pairs[i].b_offset);

		if (a != b)
			return error_set(err, TOKEEP_ELOAD, "%s: has %s, but lacks %s", plugin->path,
					 a ? pairs[i].a : pairs[i].b, a ? pairs[i].b : pairs[i].a);
	}
	return 0;
}

static int describe(void *object, struct plugin *plugin, struct error *err)
{
	const unsigned int *scope = dlsym(object, "tokeep_store_scope");

	plugin->description = dlsym(object, "tokeep_store_description");
	plugin->scope = scope ? *scope : 0;
	if (plugin->scope > TOKEEP_SCOPE_CLUSTER || (scope && !*scope))
		return error_set(err, TOKEEP_ELOAD, "%s: tokeep_store_scope is %u, which is no TOKEEP_SCOPE_...",
				 plugin->path, *scope);
	return 0;
}

int loader_load(const struct conf *conf, const char *word, struct plugin *plugin, struct error *err)
{
	struct plugin loaded = { .path = NULL };
	void *object;
	int r;

	r = locate(conf, word, &loaded.path, err);
	if (!r)
		r = load_object(loaded.path, !conf_store_path(conf, word), &object, err);
	if (!r)
		r = check_version(object, &loaded, err);
	if (!r)
		r = resolve(object, &loaded, err);
	if (!r)
		r = describe(object, &loaded, err);
	if (r) {
		loader_free(&loaded);
		return r;
	}
	*plugin = loaded;
	return 0;
}

void loader_free(struct plugin *plugin)
{
	free(plugin->path);
	plugin->path = NULL;
}
