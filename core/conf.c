/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf.c: which configuration file is in use, and what it comes to with the defaults. */
#include <config.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "conf.h"
#include "schema.h"

#define SYSTEM_FILE TOKEEP_SYSCONFDIR "/tokeep/tokeep.conf"
#define SYSTEM_STATE TOKEEP_LOCALSTATEDIR "/lib/tokeep"

/* Stores that come with tokeep, and where those that keep a file have it by default. */
static const struct {
	const char *name, *file;
} own_stores[] = {
	{"file",   "tokens.csv"},
	{"sqlite", "tokens.db"},
	{"mysql",  NULL},
	{"memory", NULL},
	{"list",   NULL},
};
#define OWN_STORES (sizeof(own_stores) / sizeof(own_stores[0]))

static const char *own_store_file(const char *name, bool *known)
{
	size_t i;

	for (i = 0; i < OWN_STORES; i++) {
		if (!strcmp(own_stores[i].name, name)) {
			*known = true;
			return own_stores[i].file;
		}
	}
	*known = false;
	return NULL;
}

/* Is there anything by that name? A link that leads nowhere is something, and then refused. */
static bool there(const char *path)
{
	struct stat st;

	return !lstat(path, &st) || (errno != ENOENT && errno != ENOTDIR);
}

/* The first of the places; *file NULL where there is none. */
static int locate(const char *path, char **file, struct error *err)
{
	const char *variable = places_secure() ? NULL : secure_getenv("TOKEEP_CONFIG");
	char *own;

	if (!path && variable && *variable)
		path = variable;
	if (path) {
		*file = strdup(path);
		return *file ? 0 : error_nomem(err);
	}
	own = places_secure() ? NULL : places_config("tokeep.conf");
	if (own && there(own)) {
		*file = own;
		return 0;
	}
	free(own);
	if (!there(SYSTEM_FILE))
		return 0;
	*file = strdup(SYSTEM_FILE);
	return *file ? 0 : error_nomem(err);
}

/* "mine" of "/opt/x/mine.so"; a bare name as it is. */
static int store_base(const char *name, char base[33])
{
	const char *slash = strrchr(name, '/');
	size_t n;

	if (slash)
		name = slash + 1;
	n = strlen(name);
	if (slash && n > 3 && !strcmp(name + n - 3, ".so"))
		n -= 3;
	if (n > 32)
		return -1;
	memcpy(base, name, n);
	base[n] = '\0';
	return 0;
}

static bool installed(const char *name)
{
	char *path;
	bool found;

	if (!schema_name(name) || asprintf(&path, "%s/%s.so", conf_libdir(), name) < 0)
		return false;
	found = !access(path, F_OK);
	free(path);
	return found;
}

/* May a top-level group of this name be the options of a store? The disk is asked last. */
static bool store_name(const struct conf *conf, const char *name)
{
	char base[33];
	bool known;

	own_store_file(name, &known);
	return known || setting_member(setting_member(conf->root, "stores"), name) ||
	       (strchr(conf->store, '/') && !store_base(conf->store, base) && !strcmp(base, name)) ||
	       installed(name);
}

static int check_unknown(void *data, const struct setting *setting, struct error *err)
{
	const struct conf *conf = data;

	if (setting->type != SETTING_GROUP || !store_name(conf, setting->name)) {
		schema_unknown(setting, schema_conf, err);
		if (setting->type == SETTING_GROUP)
			error_add(err, "; nor is it the name of a store: no %s.so in %s", setting->name,
				  conf_libdir());
		return TOKEEP_ECONFIG;
	}
	return schema_check_options(setting, err);
}

static int check_stores(const struct conf *conf, struct error *err)
{
	const struct setting *stores = setting_member(conf->root, "stores"), *store;

	for (store = stores ? stores->first : NULL; store; store = store->next) {
		if (!schema_name(store->name))
			return setting_refuse(store, err, "a store's name has [a-z0-9_-], at most 32 of them");
		if (*store->text != '/')
			return setting_refuse(store, err, "%s: wants an absolute path", store->text);
	}
	if (!conf->store_setting || *conf->store == '/' || schema_name(conf->store))
		return 0;
	return setting_refuse(conf->store_setting, err, strchr(conf->store, '/') ?
			      "%s: wants an absolute path" :
			      "%s: a store's name has [a-z0-9_-], at most 32 of them; run: tokeep stores",
			      conf->store);
}

static int64_t number(const struct setting *group, const char *name, int64_t otherwise)
{
	const struct setting *setting = setting_member(group, name);

	return setting ? strtoll(setting->text, NULL, 10) : otherwise;
}

static const char *text(const struct setting *group, const char *name)
{
	const struct setting *setting = setting_member(group, name);

	return setting && *setting->text ? setting->text : NULL;
}

/* An HTTP exchange has to end before the lease does. */
static int take_times(struct conf *conf, struct error *err)
{
	const struct setting *refresh = setting_member(conf->root, "refresh");
	const struct setting *policy = setting_member(conf->root, "policy"), *one, *other;

	conf->leeway_s = number(refresh, "leeway", 60);
	conf->timeout_s = number(refresh, "timeout", 30);
	conf->lock_timeout_s = number(refresh, "lock_timeout", 60);
	conf->max_age_s = number(policy, "max_age", 0);
	conf->idle_s = number(policy, "idle", 0);
	if (conf->timeout_s < conf->lock_timeout_s)
		return 0;
	one = setting_member(refresh, "timeout");
	other = setting_member(refresh, "lock_timeout");
	setting_refuse(one ? one : other, err, "timeout (%lld) must be less than lock_timeout (%lld",
		       (long long)conf->timeout_s, (long long)conf->lock_timeout_s);
	if (one && other)
		error_add(err, ", %s:%d)", other->file, other->line);
	else
		error_add(err, one ? ", the default)" : "); the default of timeout is 30");
	return TOKEEP_ECONFIG;
}

/* ~/ of a path that schema.c has looked at is expanded in the tree. */
static int take_path(const struct setting *group, const char *name, const char **path, struct error *err)
{
	struct setting *setting = setting_member(group, name);
	char *expanded;
	int r;

	if (!setting || !*setting->text)
		return 0;
	r = setting_path(setting, &expanded, err);
	if (r)
		return r;
	free(setting->text);
	*path = setting->text = expanded;
	return 0;
}

static int take_network(struct conf *conf, struct error *err)
{
	const struct setting *network = setting_member(conf->root, "network");
	int r;

	conf->proxy = text(network, "proxy");
	r = take_path(network, "ca_file", &conf->ca_file, err);
	return r ? r : take_path(network, "ca_path", &conf->ca_path, err);
}

/* Its name, or the choices. */
static int take_default_client(struct conf *conf, struct error *err)
{
	const struct setting *clients = setting_member(conf->root, "clients"), *client;

	conf->default_client = setting_member(conf->root, "default_client");
	if (!conf->default_client || setting_member(clients, conf->default_client->text))
		return 0;
	setting_refuse(conf->default_client, err, "%s: there is no such group in clients", conf->default_client->text);
	for (client = clients ? clients->first : NULL; client; client = client->next)
		error_add(err, "%s%s", client == clients->first ? "; there are: " : ", ", client->name);
	return TOKEEP_ECONFIG;
}

/* The folder for what has no place in the configuration. A system's file as installed sets nothing; then everybody
 * has a folder of their own, as without a file. */
static int default_folder(const struct conf *conf, char **folder, struct error *err)
{
	bool system = conf->file && !strcmp(conf->file, SYSTEM_FILE) && !conf->empty;

	*folder = system ? strdup(SYSTEM_STATE) : places_state(NULL);
	if (*folder)
		return 0;
	if (conf_home())
		return error_nomem(err);
	return error_set(err, TOKEEP_ECONFIG, "state_dir: is missing, and there is no home folder ($HOME is not set)");
}

static struct setting *new_setting(const char *name, enum setting_type type, const char *file)
{
	struct setting *setting = calloc(1, sizeof(*setting));

	if (!setting)
		return NULL;
	setting->type = type;
	setting->name = name ? strdup(name) : NULL;
	setting->file = strdup(file);
	if ((!name || setting->name) && setting->file)
		return setting;
	settings_free(setting);
	return NULL;
}

static void adopt(struct setting *parent, struct setting *child)
{
	struct setting **link = &parent->first;

	child->parent = parent;
	while (*link)
		link = &(*link)->next;
	*link = child;
}

/* NAME = { path = FOLDER/FILE; } as if it stood in the configuration, where it doesn't. */
static int add_default_path(struct conf *conf, const char *name, const char *folder, const char *file,
			    struct error *err)
{
	struct setting *group = setting_member(conf->root, name), *path;

	if (setting_member(group, "path"))
		return 0;
	if (!group) {
		group = new_setting(name, SETTING_GROUP, "default");
		if (!group)
			return error_nomem(err);
		adopt(conf->root, group);
	}
	path = new_setting("path", SETTING_STRING, "default");
	if (path && asprintf(&path->text, "%s/%s", folder, file) < 0) {
		path->text = NULL;
		settings_free(path);
		path = NULL;
	}
	if (!path)
		return error_nomem(err);
	adopt(group, path);
	return 0;
}

static int take_folders(struct conf *conf, struct error *err)
{
	const struct setting *state_dir = setting_member(conf->root, "state_dir");
	char *folder = NULL;
	size_t i;
	int r;

	r = default_folder(conf, &folder, err);
	if (state_dir && (r == 0 || r == TOKEEP_ECONFIG)) {
		error_clear(err);
		r = setting_path(state_dir, &conf->state_dir, err);
	} else if (!r) {
		conf->state_dir = strdup(folder);
		r = conf->state_dir ? 0 : error_nomem(err);
	}
	for (i = 0; !r && folder && i < OWN_STORES; i++)
		if (own_stores[i].file)
			r = add_default_path(conf, own_stores[i].name, folder, own_stores[i].file, err);
	free(folder);
	return r;
}

static int take(struct conf *conf, struct error *err)
{
	int r;

	r = take_default_client(conf, err);
	if (!r)
		r = take_times(conf, err);
	if (!r)
		r = take_network(conf, err);
	if (!r)
		r = take_folders(conf, err);
	return r;
}

static int read_root(struct conf *conf, const char *path, struct error *err)
{
	int r;

	r = locate(path, &conf->file, err);
	if (r)
		return r;
	if (conf->file)
		return settings_read(conf->file, &conf->root, err);
	conf->root = new_setting(NULL, SETTING_GROUP, "default");
	return conf->root ? 0 : error_nomem(err);
}

int conf_read(struct conf *conf, const char *path, struct error *err)
{
	struct conf read = {.store = "sqlite"};
	int r;

	r = read_root(&read, path, err);
	if (!r) {
		read.empty = !read.root->first;
		read.store_setting = setting_member(read.root, "store");
		if (read.store_setting && read.store_setting->type == SETTING_STRING)
			read.store = read.store_setting->text;
		r = schema_check(read.root, schema_conf, check_unknown, &read, err);
	}
	if (!r)
		r = check_stores(&read, err);
	if (!r)
		r = take(&read, err);
	if (r) {
		conf_free(&read);
		return r;
	}
	*conf = read;
	return 0;
}

void conf_free(struct conf *conf)
{
	free(conf->file);
	settings_free(conf->root);
	free(conf->state_dir);
	*conf = (struct conf){0};
}

struct setting *conf_store_group(const struct conf *conf, const char *name)
{
	struct setting *group;
	char base[33];

	if (store_base(name, base))
		return NULL;
	group = setting_member(conf->root, base);
	return group && group->type == SETTING_GROUP ? group : NULL;
}

const char *conf_store_path(const struct conf *conf, const char *name)
{
	const struct setting *store = setting_member(setting_member(conf->root, "stores"), name);

	if (store)
		return store->text;
	return *name == '/' ? name : NULL;
}
