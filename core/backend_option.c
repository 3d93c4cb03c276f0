/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backend_option.c: the options of a store: each that open asks for, and a word on those that nobody asked for. */
#include "backend_option.h"

#include <stdlib.h>
#include <string.h>

#include "secret.h"

struct option {
	char *name;
	char *value; /* NULL: not given */
	struct option *next;
};

static struct option *asked(struct tokeep_backend *be, const char *name)
{
	for (struct option *o = be->options; o; o = o->next)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

static int option_value(struct tokeep_backend *be, const char *name, char **value)
{
	const struct setting *setting;

	*value = NULL;
	if (setting_secret_name(name))
		return setting_secret(be->group, name, value, &be->option_error);
	setting = setting_member(be->group, name);
	if (!setting)
		return 0;
	if (!setting->text)
		return setting_refuse(setting, &be->option_error, "an option of a store is one value, not %s",
				      setting_type_name(setting->type));
	/* "~/" means what it means everywhere in the config. */
	if (setting->type == SETTING_STRING && !strncmp(setting->text, "~/", 2))
		return setting_path(setting, value, &be->option_error);
	*value = strdup(setting->text);
	return *value ? 0 : error_nomem(&be->option_error);
}

/* Remembers that it was asked for, and the value. */
static struct option *ask(struct tokeep_backend *be, const char *name)
{
	struct option *o = calloc(1, sizeof(*o));

	if (o)
		o->name = strdup(name);
	if (!o || !o->name) {
		error_nomem(&be->option_error);
		free(o);
		return NULL;
	}
	option_value(be, name, &o->value);
	o->next = be->options;
	be->options = o;
	return o;
}

const char *tokeep_backend_option(struct tokeep_backend *be, const char *name, const char *otherwise)
{
	struct option *o = asked(be, name);

	if (!o && be->opening && be->group)
		o = ask(be, name);
	return o && o->value ? o->value : otherwise;
}

void option_drop_all(struct tokeep_backend *be)
{
	while (be->options) {
		struct option *o = be->options;

		be->options = o->next;
		secret_free(o->value);
		free(o->name);
		free(o);
	}
}

/* Is this member of the group an answer to an option that was asked for? */
static bool was_asked(struct tokeep_backend *be, const char *name)
{
	static const char *const forms[] = { "_file", "_env", "_command" };

	if (asked(be, name))
		return true;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		size_t n = strlen(name), m = strlen(forms[i]);
		char *base;
		bool yes;

		if (n <= m || strcmp(name + n - m, forms[i]))
			continue;
		base = strndup(name, n - m);
		yes = base && setting_secret_name(base) && asked(be, base);
		free(base);
		if (yes)
			return true;
	}
	return false;
}

int option_refuse_unasked(struct tokeep_backend *be)
{
	if (!be->group)
		return 0;
	for (const struct setting *s = be->group->first; s; s = s->next)
		if (!was_asked(be, s->name))
			return setting_refuse(s, be->err, "no option of store %s", be->name);
	return 0;
}

/* "NAME: why" from open, with the file and line of option NAME before it. */
int option_place_refusal(struct tokeep_backend *be, int r)
{
	const struct setting *where = be->group;
	const char *colon;
	char *text;

	if (r != TOKEEP_ECONFIG || !be->group || !be->err->text)
		return r;
	text = strdup(be->err->text);
	if (!text)
		return error_nomem(be->err);
	colon = strchr(text, ':');
	if (!strncmp(text, be->group->file, strlen(be->group->file))) {
		free(text); /* it has its place already */
		return r;
	}
	for (const struct setting *s = be->group->first; colon && s; s = s->next)
		if (!strncmp(s->name, text, colon - text) && !s->name[colon - text])
			where = s;
	if (where == be->group)
		setting_refuse(where, be->err, "%s", text);
	else
		setting_refuse(where, be->err, "%s", colon[1] == ' ' ? colon + 2 : colon + 1);
	free(text);
	return r;
}
