/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inventory.c: which stores and providers are there, where from, and which of them can't be used and why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"

struct listing {
	struct tokeep *tk;
	int (*each)(void *, const struct tokeep_store_info *);
	void *data;
	bool selected_seen;
};

static int tell(struct listing *l, const char *name, const struct setting *where, bool selected)
{
	struct tokeep_store_info info = { .name = name, .selected = selected };
	struct error err = { .retry_after_s = -1 };
	struct plugin plugin = { .path = NULL };
	char *path = NULL;
	int r;

	if (loader_load(&l->tk->conf, name, &plugin, &err)) {
		info.error = error_text(&err);
		info.path = conf_store_path(&l->tk->conf, name);
		if (!info.path && asprintf(&path, "%s/%s.so", conf_libdir(), name) >= 0)
			info.path = path;
	} else {
		info.path = plugin.path;
		info.description = plugin.description;
		info.abi = plugin.abi;
		info.scope = plugin.scope;
		info.own_lock = plugin.ops.lock != NULL;
		info.batches = plugin.ops.begin != NULL;
	}
	if (where) {
		info.file = where->file;
		info.line = where->line;
	}
	r = l->each(l->data, &info);
	free(path);
	loader_free(&plugin);
	error_clear(&err);
	return r;
}

/* Once each: what is installed, what `stores` names, what is selected and neither. */
static int tell_word(struct listing *l, const char *name, const struct setting *where)
{
	bool selected = !strcmp(name, context_word(l->tk));

	l->selected_seen |= selected;
	if (selected && l->tk->conf.store_setting && !l->tk->use)
		where = l->tk->conf.store_setting;
	return tell(l, name, where, selected);
}

static int tell_installed(void *data, const char *name)
{
	return tell_word(data, name, NULL);
}

int tokeep_get_stores(struct tokeep *tk, int (*each)(void *, const struct tokeep_store_info *), void *data)
{
	struct listing l = { .tk = tk, .each = each, .data = data };
	const struct setting *named;
	int r = context_begin(tk);

	if (r)
		return r;
	r = loader_installed(tell_installed, &l);
	named = setting_member(tk->conf.root, "stores");
	for (const struct setting *s = named ? named->first : NULL; s && !r; s = s->next)
		r = tell_word(&l, s->name, s);
	if (!r && !l.selected_seen)
		r = tell_word(&l, context_word(tk), NULL);
	return r;
}

int tokeep_get_providers(struct tokeep *tk, int (*each)(void *, const struct tokeep_provider_info *), void *data)
{
	int r = context_begin(tk);

	return r ? r : provider_list(&tk->conf, each, data, &tk->err);
}
