/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* provider_file.c: providers as data: groups of the configuration, and files that anybody may add. */
#include <config.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "provider.h"
#include "schema.h"

static int check_data_centers(const struct setting *group, struct error *err)
{
	const struct setting *centers = setting_member(group, "data_centers"), *center;
	const struct setting *chosen = setting_member(group, "default_data_center");

	for (center = centers ? centers->first : NULL; center; center = center->next)
		if (!setting_member(center, "accounts"))
			return setting_refuse(center, err, "has no accounts = \"https://...\"");
	if (chosen && *chosen->text && !setting_member(centers, chosen->text))
		return setting_refuse(chosen, err, "%s: is not one of data_centers", chosen->text);
	return 0;
}

static int check_file(const struct setting *root, const char *name, const char *path, struct error *err)
{
	const struct setting *only = root->first;
	int r;

	if (!only)
		return error_set(err, TOKEEP_ECONFIG, "%s: wants a group %s = { ... }", path, name);
	for (; only; only = only->next)
		if (strcmp(only->name, name) || only->type != SETTING_GROUP)
			return setting_refuse(only, err, "a provider's file has one group, here %s = { ... }", name);
	r = schema_check(root->first, schema_provider, NULL, NULL, err);
	return r ? r : check_data_centers(root->first, err);
}

static int read_file(const char *path, const char *name, struct setting **root, struct error *err)
{
	struct setting *read = NULL;
	int r;

	r = settings_read(path, &read, err);
	if (!r)
		r = check_file(read, name, path, err);
	if (r) {
		settings_free(read);
		return r;
	}
	*root = read;
	return 0;
}

static char *file_path(const char *name)
{
	char *path;

	return asprintf(&path, "%s/providers/%s.conf", conf_datadir(), name) < 0 ? NULL : path;
}

static int refuse_name(const struct setting *asked, const char *name, const char *path, struct error *err)
{
	const char *where = path ? path : "a name has [a-z0-9_-], at most 32 of them";

	if (asked)
		return setting_refuse(asked, err, "%s: there is no such provider (%s); run: tokeep providers", name,
				      where);
	return error_set(err, TOKEEP_ECONFIG, "%s: there is no such provider (%s); run: tokeep providers", name, where);
}

int provider_find(const struct conf *conf, const char *name, const struct setting *asked, struct setting **root,
		  const struct setting **group, struct error *err)
{
	const struct setting *own = setting_member(setting_member(conf->root, "providers"), name);
	struct setting *read = NULL;
	char *path;
	int r;

	if (own) {
		r = check_data_centers(own, err);
		if (!r)
			*group = own;
		return r;
	}
	if (!schema_name(name))
		return refuse_name(asked, name, NULL, err);
	path = file_path(name);
	if (!path)
		return error_nomem(err);
	if (access(path, F_OK) && errno == ENOENT)
		r = refuse_name(asked, name, path, err);
	else
		r = read_file(path, name, &read, err);
	if (!r) {
		*root = read;
		*group = read->first;
	}
	free(path);
	return r;
}

static int walk_own(const struct conf *conf, provider_each *each, void *data)
{
	const struct setting *own = setting_member(conf->root, "providers");
	struct error broken = {.retry_after_s = -1};
	int r = 0;

	for (own = own ? own->first : NULL; !r && own; own = own->next) {
		if (check_data_centers(own, &broken))
			r = each(data, own->name, own->file, NULL, error_text(&broken));
		else
			r = each(data, own->name, own->file, own, NULL);
		error_clear(&broken);
	}
	return r;
}

/* The name of NAME.conf, to be freed; NULL where it is something else. */
static char *provider_name(const char *file)
{
	size_t n = strlen(file);
	char *name;

	if (n <= 5 || strcmp(file + n - 5, ".conf"))
		return NULL;
	name = strndup(file, n - 5);
	if (name && !schema_name(name)) {
		free(name);
		return NULL;
	}
	return name;
}

static int walk_file(const char *name, provider_each *each, void *data, struct error *err)
{
	struct error broken = {.retry_after_s = -1};
	char *path = file_path(name);
	struct setting *root = NULL;
	int r;

	if (!path)
		return error_nomem(err);
	if (read_file(path, name, &root, &broken))
		r = each(data, name, path, NULL, error_text(&broken));
	else
		r = each(data, name, path, root->first, NULL);
	settings_free(root);
	error_clear(&broken);
	free(path);
	return r;
}

static int walk_folder(const struct conf *conf, const char *folder, provider_each *each, void *data,
		       struct error *err)
{
	const struct setting *own = setting_member(conf->root, "providers");
	struct dirent **entries = NULL;
	int i, n, r = 0;
	char *name;

	n = scandir(folder, &entries, NULL, alphasort);
	if (n < 0)
		return error_set(err, TOKEEP_ECONFIG, "%s: %s", folder, strerror(errno));
	for (i = 0; i < n; i++) {
		name = r ? NULL : provider_name(entries[i]->d_name);
		if (name && !setting_member(own, name))
			r = walk_file(name, each, data, err);
		free(name);
		free(entries[i]);
	}
	free(entries);
	return r;
}

int provider_walk(const struct conf *conf, provider_each *each, void *data, struct error *err)
{
	char *folder;
	int r;

	r = walk_own(conf, each, data);
	if (r)
		return r;
	if (asprintf(&folder, "%s/providers", conf_datadir()) < 0)
		return error_nomem(err);
	r = walk_folder(conf, folder, each, data, err);
	free(folder);
	return r;
}

/* What provider_list's caller wants of each. */
struct list {
	int (*each)(void *, const struct tokeep_provider_info *);
	void *data;
};

static const char *text(const struct setting *group, const char *name, const char *otherwise)
{
	const struct setting *setting = setting_member(group, name);

	return setting && *setting->text ? setting->text : otherwise;
}

/* The names with a blank between, to be freed; NULL where there are none. */
static char *names(const struct setting *group)
{
	const struct setting *member = group ? group->first : NULL;
	char *all = NULL, *longer;

	for (; member; member = member->next) {
		if (asprintf(&longer, "%s%s%s", all ? all : "", all ? " " : "", member->name) < 0)
			break;
		free(all);
		all = longer;
	}
	return all;
}

/* The issuer with {accounts} filled in for the default data centre, to be freed; NULL where there is none. */
static char *issuer_of(const struct setting *group)
{
	static const char template[] = "{accounts}";
	const char *issuer = text(group, "issuer", NULL), *rest;
	const struct setting *center;
	char *filled;

	if (!issuer || strncmp(issuer, template, sizeof(template) - 1))
		return issuer ? strdup(issuer) : NULL;
	rest = issuer + sizeof(template) - 1;
	center = setting_member(setting_member(group, "data_centers"), text(group, "default_data_center", ""));
	return asprintf(&filled, "%s%s", text(center, "accounts", template), rest) < 0 ? NULL : filled;
}

static int list_one(void *data, const char *name, const char *path, const struct setting *group, const char *broken)
{
	const struct list *list = data;
	char *data_centers = names(setting_member(group, "data_centers")), *issuer = issuer_of(group);
	struct tokeep_provider_info info = {
		.name = name,
		.path = path,
		.error = broken,
		.dialect = group ? text(group, "dialect", "rfc") : NULL,
		.issuer = issuer,
		.data_centers = data_centers,
	};
	int r = list->each(list->data, &info);

	free(data_centers);
	free(issuer);
	return r;
}

int provider_list(const struct conf *conf, int (*each)(void *, const struct tokeep_provider_info *), void *data,
		  struct error *err)
{
	struct list list = {each, data};

	return provider_walk(conf, list_one, &list, err);
}
