/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* schema.c: what may stand in a configuration. A new key is a line of a table here, and one in its manual page. */
#include <config.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "schema.h"
#include "transport.h"

#define DAY_S 86400
#define AGE_MAX_S (INT64_C(1) << 53)

const char *const schema_client_auth[] = {"none", "basic", "post", "private_key_jwt", "client_secret_jwt", NULL};
const char *const schema_dialect[] = {"rfc", "zoho", NULL};

static const struct schema_key data_center_keys[] = {
	{.name = "accounts", .kind = KEY_SERVER},
	{.name = "api",      .kind = KEY_SERVER},
	{.name = NULL},
};

/* What a provider says, and a client may say better. */
#define PROVIDER_KEYS \
	{.name = "issuer",                   .kind = KEY_URL}, \
	{.name = "authorization_url",        .kind = KEY_URL}, \
	{.name = "token_url",                .kind = KEY_URL}, \
	{.name = "revocation_url",           .kind = KEY_URL}, \
	{.name = "device_authorization_url", .kind = KEY_URL}, \
	{.name = "device_token_url",         .kind = KEY_URL}, \
	{.name = "userinfo_url",             .kind = KEY_URL}, \
	{.name = "data_centers",             .kind = KEY_GROUPS, .members = data_center_keys}, \
	{.name = "default_data_center",      .kind = KEY_TEXT}, \
	{.name = "scope",                    .kind = KEY_TEXT}, \
	{.name = "scope_separator",          .kind = KEY_TEXT}, \
	{.name = "authorization_params",     .kind = KEY_STRINGS}, \
	{.name = "client_auth",              .kind = KEY_WORD, .words = schema_client_auth}, \
	{.name = "header",                   .kind = KEY_TEXT}, \
	{.name = "dialect",                  .kind = KEY_WORD, .words = schema_dialect}, \
	{.name = "token_life",               .kind = KEY_NUMBER, .min = 1, .max = 366 * DAY_S}, \
	{.name = "api_hosts",                .kind = KEY_TEXTS}

const struct schema_key schema_provider[] = {
	PROVIDER_KEYS,
	{.name = NULL},
};

const struct schema_key schema_client[] = {
	PROVIDER_KEYS,
	{.name = "provider",           .kind = KEY_TEXT},
	{.name = "data_center",        .kind = KEY_TEXT},
	{.name = "client_id",          .kind = KEY_TEXT},
	{.name = "client_secret",      .kind = KEY_SECRET},
	{.name = "redirect_url",       .kind = KEY_TEXT},
	{.name = "soid",               .kind = KEY_TEXT},
	{.name = "key_file",           .kind = KEY_PATH},
	{.name = "key_id",             .kind = KEY_TEXT},
	{.name = "tls_cert_file",      .kind = KEY_PATH},
	{.name = "tls_key_file",       .kind = KEY_PATH},
	{.name = "login_timeout",      .kind = KEY_NUMBER, .min = 1, .max = DAY_S},
	{.name = "save_client_secret", .kind = KEY_BOOL},
	{.name = NULL},
};

static const struct schema_key refresh_keys[] = {
	{.name = "leeway",       .kind = KEY_NUMBER, .min = 0, .max = DAY_S},
	{.name = "timeout",      .kind = KEY_NUMBER, .min = 1, .max = 600},
	{.name = "lock_timeout", .kind = KEY_NUMBER, .min = 1, .max = 3600},
	{.name = NULL},
};

static const struct schema_key policy_keys[] = {
	{.name = "max_age", .kind = KEY_NUMBER, .min = 0, .max = AGE_MAX_S},
	{.name = "idle",    .kind = KEY_NUMBER, .min = 0, .max = AGE_MAX_S},
	{.name = NULL},
};

/* "" stands for not given. */
static const struct schema_key network_keys[] = {
	{.name = "proxy",   .kind = KEY_TEXT},
	{.name = "ca_file", .kind = KEY_PATH, .max = 1},
	{.name = "ca_path", .kind = KEY_PATH, .max = 1},
	{.name = NULL},
};

const struct schema_key schema_conf[] = {
	{.name = "store",          .kind = KEY_TEXT},
	{.name = "stores",         .kind = KEY_PATHS},
	{.name = "clients",        .kind = KEY_GROUPS, .members = schema_client},
	{.name = "default_client", .kind = KEY_TEXT},
	{.name = "refresh",        .kind = KEY_GROUP, .members = refresh_keys},
	{.name = "state_dir",      .kind = KEY_PATH},
	{.name = "policy",         .kind = KEY_GROUP, .members = policy_keys},
	{.name = "network",        .kind = KEY_GROUP, .members = network_keys},
	{.name = "providers",      .kind = KEY_GROUPS, .members = schema_provider},
	{.name = NULL},
};

static int check_group(const struct setting *setting, const struct schema_key *key, struct error *err);
static int check_groups(const struct setting *setting, const struct schema_key *key, struct error *err);

static int wants(const struct setting *setting, const char *what, struct error *err)
{
	return setting_refuse(setting, err, "wants %s, has %s", what, setting_type_name(setting->type));
}

/* Values end in requests, headers and terminals; none has a use for control characters. */
static int check_text(const struct setting *setting, const struct schema_key *key, struct error *err)
{
	const unsigned char *p;

	if (setting->type != SETTING_STRING)
		return wants(setting, setting_type_name(SETTING_STRING), err);
	for (p = (const unsigned char *)setting->text; *p; p++)
		if (*p < ' ' || *p == 0x7f)
			return setting_refuse(setting, err, "has a line break or another control character in it");
	if (p - (const unsigned char *)setting->text > TOKEEP_VALUE_MAX)
		return setting_refuse(setting, err, "is longer than %d bytes", TOKEEP_VALUE_MAX);
	return 0;
}

static int check_path(const struct setting *setting, const struct schema_key *key, struct error *err)
{
	int r = check_text(setting, key, err);

	if (r || (key && key->max && !*setting->text))
		return r;
	if (*setting->text != '/' && strncmp(setting->text, "~/", 2))
		return setting_refuse(setting, err, "%s: wants a path that begins with / or ~/", setting->text);
	return 0;
}

static int check_number(const struct setting *setting, const struct schema_key *key, struct error *err)
{
	int64_t number;

	if (setting->type != SETTING_INT)
		return wants(setting, setting_type_name(SETTING_INT), err);
	number = strtoll(setting->text, NULL, 10);
	if (number < key->min || number > key->max)
		return setting_refuse(setting, err, "%" PRId64 ": wants a number from %" PRId64 " to %" PRId64, number,
				      key->min, key->max);
	return 0;
}

static int check_bool(const struct setting *setting, const struct schema_key *key, struct error *err)
{
	return setting->type == SETTING_BOOL ? 0 : wants(setting, setting_type_name(SETTING_BOOL), err);
}

static int check_word(const struct setting *setting, const struct schema_key *key, struct error *err)
{
	const char *const *word;
	int r = check_text(setting, key, err);

	if (r)
		return r;
	for (word = key->words; *word; word++)
		if (!strcmp(*word, setting->text))
			return 0;
	setting_refuse(setting, err, "%s: wants one of", setting->text);
	for (word = key->words; *word; word++)
		error_add(err, "%s%s", word == key->words ? " " : ", ", *word);
	return TOKEEP_ECONFIG;
}

/* Filled in with a server that is fine, a template must be fine. */
static int check_url(const struct setting *setting, const struct schema_key *key, struct error *err)
{
	static const char template[] = "{accounts}";
	const size_t n = sizeof(template) - 1;
	const char *url, *why;
	int r = check_text(setting, key, err);

	if (r || !*setting->text)
		return r;
	url = setting->text;
	if (key->kind == KEY_URL && !strncmp(url, template, n) && (!url[n] || url[n] == '/'))
		url += n;
	if (strpbrk(url, "{}"))
		return setting_refuse(setting, err, "%s: the only template is {accounts}, alone or with /... behind",
				      setting->text);
	why = url == setting->text ? http_url_refusal(url) : strchr(url, '#') ? "it has a fragment (#)" : NULL;
	if (why)
		return setting_refuse(setting, err, "%s: %s", setting->text, why);
	return 0;
}

static int check_server(const struct setting *setting, const struct schema_key *key, struct error *err)
{
	const char *host;
	int r = check_url(setting, key, err);

	if (r)
		return r;
	host = strstr(setting->text, "://");
	if (!host || host[3 + strcspn(host + 3, "/?")])
		return setting_refuse(setting, err, "%s: wants a server, https://HOST, with nothing behind it",
				      setting->text);
	return 0;
}

static int check_texts(const struct setting *setting, const struct schema_key *key, struct error *err)
{
	const struct setting *element;
	int r = 0;

	if (setting->type != SETTING_ARRAY)
		return wants(setting, "an array of strings [ \"...\" ]", err);
	for (element = setting->first; !r && element; element = element->next)
		r = check_text(element, key, err);
	return r;
}

/* Its arguments may be anything. */
static int check_command(const struct setting *setting, const struct schema_key *key, struct error *err)
{
	const struct setting *element;

	if (setting->type != SETTING_ARRAY || !setting->first)
		return wants(setting, "an array, the program and its arguments [ \"...\", ... ]", err);
	for (element = setting->first; element; element = element->next)
		if (element->type != SETTING_STRING)
			return wants(element, setting_type_name(SETTING_STRING), err);
	return 0;
}

static int check_secret(const struct setting *setting, const struct schema_key *key, struct error *err)
{
	int r = check_text(setting, key, err);

	if (!r && setting->readable && *setting->text)
		r = setting_refuse(setting, err, "others may read this file and the secret in it; run: chmod 600 %s",
				   setting->file);
	return r;
}

static int wants_group(const struct setting *setting, struct error *err)
{
	return setting->type == SETTING_GROUP ? 0 : wants(setting, setting_type_name(SETTING_GROUP), err);
}

static int check_members(const struct setting *setting,
			 int (*check)(const struct setting *, const struct schema_key *, struct error *),
			 struct error *err)
{
	const struct setting *member;
	int r = wants_group(setting, err);

	for (member = setting->first; !r && member; member = member->next)
		r = check(member, NULL, err);
	return r;
}

static int check_strings(const struct setting *setting, const struct schema_key *key, struct error *err)
{
	return check_members(setting, check_text, err);
}

static int check_paths(const struct setting *setting, const struct schema_key *key, struct error *err)
{
	return check_members(setting, check_path, err);
}

static int (*const checks[])(const struct setting *, const struct schema_key *, struct error *) = {
	[KEY_TEXT] = check_text,
	[KEY_PATH] = check_path,
	[KEY_NUMBER] = check_number,
	[KEY_BOOL] = check_bool,
	[KEY_WORD] = check_word,
	[KEY_URL] = check_url,
	[KEY_SERVER] = check_server,
	[KEY_TEXTS] = check_texts,
	[KEY_COMMAND] = check_command,
	[KEY_SECRET] = check_secret,
	[KEY_GROUP] = check_group,
	[KEY_GROUPS] = check_groups,
	[KEY_STRINGS] = check_strings,
	[KEY_PATHS] = check_paths,
};

static int check_group(const struct setting *setting, const struct schema_key *key, struct error *err)
{
	int r = wants_group(setting, err);

	return r ? r : schema_check(setting, key->members, NULL, NULL, err);
}

static int check_groups(const struct setting *setting, const struct schema_key *key, struct error *err)
{
	const struct setting *member;
	int r = wants_group(setting, err);

	for (member = setting->first; !r && member; member = member->next)
		r = check_group(member, key, err);
	return r;
}

/* The other forms of a secret: how its name may end, and what it then is. */
static const struct {
	const char *end;
	enum schema_kind kind;
} secret_forms[] = {
	{"_file",    KEY_PATH},
	{"_env",     KEY_TEXT},
	{"_command", KEY_COMMAND},
};

/* Is it NAME_file, NAME_env or NAME_command for a secret NAME? Then its kind, else -1. */
static int secret_form(const char *name, char base[64])
{
	size_t i, n = strlen(name), end;

	for (i = 0; i < sizeof(secret_forms) / sizeof(secret_forms[0]); i++) {
		end = strlen(secret_forms[i].end);
		if (n <= end || n - end >= 64 || strcmp(name + n - end, secret_forms[i].end))
			continue;
		memcpy(base, name, n - end);
		base[n - end] = '\0';
		if (setting_secret_name(base))
			return secret_forms[i].kind;
	}
	return -1;
}

static const struct schema_key *find_key(const struct schema_key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (!strcmp(keys->name, name))
			return keys;
	return NULL;
}

static int check_member(const struct setting *setting, const struct schema_key *keys, schema_unknown_key *unknown,
			void *data, struct error *err)
{
	const struct schema_key *key = find_key(keys, setting->name);
	char base[64];
	int kind;

	if (key)
		return checks[key->kind](setting, key, err);
	kind = secret_form(setting->name, base);
	if (kind >= 0 && find_key(keys, base))
		return checks[kind](setting, NULL, err);
	return unknown ? unknown(data, setting, err) : schema_unknown(setting, keys, err);
}

int schema_check(const struct setting *group, const struct schema_key *keys, schema_unknown_key *unknown, void *data,
		 struct error *err)
{
	const struct setting *member;
	int r = 0;

	for (member = group->first; !r && member; member = member->next)
		r = check_member(member, keys, unknown, data, err);
	return r;
}

int schema_check_options(const struct setting *group, struct error *err)
{
	const struct setting *member;
	char base[64];
	int kind, r = 0;

	for (member = group->first; !r && member; member = member->next) {
		kind = secret_form(member->name, base);
		if (setting_secret_name(member->name))
			r = check_secret(member, NULL, err);
		else if (kind >= 0)
			r = checks[kind](member, NULL, err);
		else if (!member->text)
			r = wants(member, "a string, a number, true or false", err);
	}
	return r;
}

/* How many letters to change, put in, leave out. */
static size_t distance(const char *a, const char *b)
{
	size_t row[64], i, j, before, here, n = strlen(b);

	if (n >= 64)
		return 64;
	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 0; a[i]; i++) {
		before = row[0];
		row[0] = i + 1;
		for (j = 0; j < n; j++) {
			here = row[j + 1];
			if (a[i] != b[j])
				before++;
			if (before > here + 1)
				before = here + 1;
			if (before > row[j] + 1)
				before = row[j] + 1;
			row[j + 1] = before;
			before = here;
		}
	}
	return row[n];
}

int schema_unknown(const struct setting *setting, const struct schema_key *keys, struct error *err)
{
	const char *best = NULL;
	size_t least = 3, d;

	for (; keys->name; keys++) {
		d = distance(setting->name, keys->name);
		if (d < least && d < strlen(keys->name) / 2 + 1) {
			least = d;
			best = keys->name;
		}
	}
	setting_refuse(setting, err, "unknown key");
	if (best)
		error_add(err, "; is %s meant?", best);
	return TOKEEP_ECONFIG;
}

bool schema_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return n >= 1 && n <= 32 && !name[n];
}
