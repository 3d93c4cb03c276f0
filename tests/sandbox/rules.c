/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rules.c: what each dialect begins with, and how a rule is changed by its name. */
#include "config.h"

#include "rules.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

struct rules rules_of(enum dialect dialect)
{
	static const struct rules rfc = {
		.token_life_s = 3600,
		.code_life_s = 60,
		.device_life_s = 300,
		.interval_s = 5,
		.rotation = ROTATE_STRICT,
		.access_limit = 1000,
		.prefix = "sandbox.",
		.code_reuse_kills = true,
		.slow_down_grows = true,
	};
	static const struct rules zoho = {
		.token_life_s = 3600,
		.code_life_s = 120,
		.device_life_s = 300,
		.interval_s = 30,
		.rotation = ROTATE_NEVER,
		.throttle_count = 10,
		.throttle_s = 600,
		.access_limit = 15,
		.grant_limit = 20,
		.prefix = "1000.",
	};

	return dialect == ZOHO ? zoho : rfc;
}

static bool set_seconds(const char *value, int64_t *seconds)
{
	int64_t n;

	if (!text_number(value, &n) || n > INT32_MAX)
		return false;
	*seconds = n;
	return true;
}

static const char *set_rotate(struct rules *rules, const char *value)
{
	static const char grace[] = "grace:";

	if (!strcmp(value, "strict")) {
		rules->rotation = ROTATE_STRICT;
	} else if (!strcmp(value, "never")) {
		rules->rotation = ROTATE_NEVER;
	} else if (!strncmp(value, grace, strlen(grace)) && set_seconds(value + strlen(grace), &rules->grace_s)) {
		rules->rotation = ROTATE_GRACE;
	} else {
		return "must be strict, grace:SECONDS or never";
	}
	return NULL;
}

static const char *set_throttle(struct rules *rules, const char *value)
{
	const char *colon = strchr(value, ':');
	char *count = colon ? text_copy_n(value, (size_t)(colon - value)) : text_copy(value);
	int64_t n;
	int64_t s = 0;
	bool sound = text_number(count, &n) && n <= 100000 && (colon ? set_seconds(colon + 1, &s) : !n);

	free(count);
	if (!sound)
		return "must be COUNT:SECONDS, or 0 for none";
	rules->throttle_count = n;
	rules->throttle_s = s;
	return NULL;
}

const char *rules_set(struct rules *rules, const char *name, const char *value)
{
	const struct {
		const char *name;
		int64_t *seconds;
	} numbers[] = {
		{ "token-life", &rules->token_life_s },
		{ "code-life", &rules->code_life_s },
		{ "device-life", &rules->device_life_s },
		{ "interval", &rules->interval_s },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (!strcmp(numbers[i].name, name))
			return set_seconds(value, numbers[i].seconds) ? NULL : "must be a number of seconds";
	if (!strcmp(name, "rotate"))
		return set_rotate(rules, value);
	if (!strcmp(name, "throttle"))
		return set_throttle(rules, value);
	return "no such rule, there are token-life, code-life, device-life, interval, rotate, throttle, auto-approve";
}
