/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* settings.c: libconfig's tree copied into one of our own, whose members know their file; libconfig ends here. */
#include <config.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "places.h"
#include "secret.h"
#include "settings.h"
#include "settings_text.h"

static const struct {
	int libconfig;
	enum setting_type type;
	const char *name;
} types[] = {
	{CONFIG_TYPE_GROUP,  SETTING_GROUP,  "a group { ... }"},
	{CONFIG_TYPE_STRING, SETTING_STRING, "a string in quotes"},
	{CONFIG_TYPE_INT,    SETTING_INT,    "a whole number"},
	{CONFIG_TYPE_INT64,  SETTING_INT,    "a whole number"},
	{CONFIG_TYPE_BOOL,   SETTING_BOOL,   "true or false"},
	{CONFIG_TYPE_FLOAT,  SETTING_FLOAT,  "a number with a fraction"},
	{CONFIG_TYPE_ARRAY,  SETTING_ARRAY,  "an array [ ... ]"},
	{CONFIG_TYPE_LIST,   SETTING_ARRAY,  "an array [ ... ]"},
};
#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

const char *setting_type_name(enum setting_type type)
{
	size_t i;

	for (i = 0; i < TYPE_COUNT; i++)
		if (types[i].type == type)
			return types[i].name;
	return "nothing";
}

static void free_one(struct setting *setting)
{
	free(setting->name);
	secret_free(setting->text);
	free(setting->file);
	free(setting);
}

void settings_free(struct setting *root)
{
	struct setting *child;

	if (!root)
		return;
	while ((child = root->first)) {
		root->first = child->next;
		settings_free(child);
	}
	free_one(root);
}

/* The scalar as text; NULL: memory is short. */
static char *scalar_text(const config_setting_t *from)
{
	char *text = NULL;
	int n = 0;

	switch (config_setting_type(from)) {
	case CONFIG_TYPE_STRING:
		return strdup(config_setting_get_string(from));
	case CONFIG_TYPE_BOOL:
		return strdup(config_setting_get_bool(from) ? "true" : "false");
	case CONFIG_TYPE_FLOAT:
		n = asprintf(&text, "%.15g", config_setting_get_float(from));
		break;
	default:
		n = asprintf(&text, "%" PRId64, (int64_t)config_setting_get_int64(from));
	}
	return n < 0 ? NULL : text;
}

static struct setting *copy_one(const config_setting_t *from, const struct text *text)
{
	struct setting *setting = calloc(1, sizeof(*setting));
	const struct source *source;
	size_t i;

	if (!setting)
		return NULL;
	source = text_where(text, config_setting_source_line(from), &setting->line);
	for (i = 0; i < TYPE_COUNT; i++)
		if (types[i].libconfig == config_setting_type(from))
			setting->type = types[i].type;
	setting->readable = source->readable;
	setting->file = strdup(source->path);
	if (setting->file && config_setting_name(from))
		setting->name = strdup(config_setting_name(from));
	if (!config_setting_is_aggregate(from))
		setting->text = scalar_text(from);
	if (!setting->file || (config_setting_name(from) && !setting->name) ||
	    (!config_setting_is_aggregate(from) && !setting->text)) {
		free_one(setting);
		return NULL;
	}
	return setting;
}

/* The lexer has limited how deep this goes. */
static struct setting *copy_tree(const config_setting_t *from, const struct text *text)
{
	struct setting *setting = copy_one(from, text), **link;
	int i, n;

	if (!setting || !config_setting_is_aggregate(from))
		return setting;
	link = &setting->first;
	n = config_setting_length(from);
	for (i = 0; i < n; i++) {
		*link = copy_tree(config_setting_get_elem(from, i), text);
		if (!*link) {
			settings_free(setting);
			return NULL;
		}
		(*link)->parent = setting;
		link = &(*link)->next;
	}
	return setting;
}

/* libconfig frees its strings as they are. They are its own copies, in memory that may be written. */
static void wipe(const config_setting_t *setting)
{
	int i, n = config_setting_is_aggregate(setting) ? config_setting_length(setting) : 0;
	char *string;

	for (i = 0; i < n; i++)
		wipe(config_setting_get_elem(setting, i));
	if (config_setting_type(setting) == CONFIG_TYPE_STRING) {
		string = (char *)(uintptr_t)config_setting_get_string(setting);
		if (string)
			secret_wipe(string, strlen(string));
	}
}

static int parse(const struct text *text, struct setting **root, struct error *err)
{
	const struct source *source;
	config_t config;
	int line, r = 0;

	config_init(&config);
	config_set_include_dir(&config, "/dev/null"); /* includes are in the text; no others, ever */
	if (config_read_string(&config, text->bytes)) {
		*root = copy_tree(config_root_setting(&config), text);
		if (!*root)
			r = error_nomem(err);
	} else {
		source = text_where(text, config_error_line(&config), &line);
		r = error_set(err, TOKEEP_ECONFIG, "%s:%d: %s", source->path, line,
			      config_error_text(&config));
	}
	wipe(config_root_setting(&config));
	config_destroy(&config);
	return r;
}

int settings_read(const char *path, struct setting **root, struct error *err)
{
	struct text text;
	int r;

	r = text_read(&text, path, err);
	if (r)
		return r;
	r = parse(&text, root, err);
	text_free(&text);
	return r;
}

struct setting *setting_member(const struct setting *group, const char *name)
{
	struct setting *member = group ? group->first : NULL;

	while (member && !(member->name && !strcmp(member->name, name)))
		member = member->next;
	return member;
}

/* "clients.crm.client_id". What doesn't fit is left out in front. */
static const char *dotted_name(const struct setting *setting, char *space, size_t size)
{
	char *p = space + size - 1;
	size_t n;

	*p = '\0';
	for (; setting; setting = setting->parent) {
		n = setting->name ? strlen(setting->name) : 0;
		if (!n)
			continue;
		if (n + 1 > (size_t)(p - space))
			break;
		if (*p)
			*--p = '.';
		p -= n;
		memcpy(p, setting->name, n);
	}
	return p;
}

int setting_refuse(const struct setting *setting, struct error *err, const char *format, ...)
{
	char space[256], *why;
	const char *name = dotted_name(setting, space, sizeof(space));
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&why, format, args);
	va_end(args);
	if (n < 0)
		return error_nomem(err);
	error_set(err, TOKEEP_ECONFIG, "%s:%d: %s%s%s", setting->file, setting->line, name, *name ? ": " : "",
		  why);
	free(why);
	return TOKEEP_ECONFIG;
}

int setting_path(const struct setting *setting, char **path, struct error *err)
{
	const char *text = setting->text, *home = "";
	char *expanded;

	if (setting->type != SETTING_STRING)
		return setting_refuse(setting, err, "wants a path in quotes, has %s",
				      setting_type_name(setting->type));
	if (*text != '/' && strncmp(text, "~/", 2))
		return setting_refuse(setting, err, "%s: wants a path that begins with / or ~/", text);
	if (*text == '~') {
		home = conf_home();
		text++;
	}
	if (!home)
		return setting_refuse(setting, err, "%s: there is no home folder ($HOME is not set)",
				      setting->text);
	if (asprintf(&expanded, "%s%s", home, text) < 0)
		return error_nomem(err);
	*path = expanded;
	return 0;
}
