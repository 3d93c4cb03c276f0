/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* faults.c: arming faults, handing them out, and the answers that some put in the place of the true one. */
#include "config.h"

#include "faults.h"
#include "text.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The word, and whether the true answer is needed for it. With "_after" at its end any other processes first. */
static const struct {
	const char *word, *after_word;
	bool always_after;
} kinds[FAULT_KINDS] = {
	[FAULT_DELAY] = { "delay", "delay_after", false },
	[FAULT_STATUS] = { "status", "status_after", false },
	[FAULT_DROP] = { "drop", "drop_after", false },
	[FAULT_RESET] = { "reset", "reset_after", false },
	[FAULT_NOTJSON] = { "notjson", "notjson_after", false },
	[FAULT_HTML] = { "html", "html_after", false },
	[FAULT_HUGE] = { "huge", "huge_after", false },
	[FAULT_BODY] = { "body", "body_after", false },
	[FAULT_SLOW] = { "slow", "slow_after", true },
	[FAULT_TRUNCATE] = { "truncate", "truncate_after", true },
};

enum { HUGE_SIZE = 10 * 1000 * 1000 };

struct faults {
	pthread_mutex_t mutex;
	struct fault *first;
};

static void fault_free(struct fault *fault)
{
	free(fault->endpoint);
	free(fault->retry_after);
	free(fault->body);
	free(fault->type);
	free(fault);
}

void fault_plan_clear(struct fault_plan *plan)
{
	free(plan->retry_after);
	free(plan->body);
	free(plan->type);
	memset(plan, 0, sizeof(*plan));
}

struct faults *faults_new(void)
{
	struct faults *faults = memory(sizeof(*faults));

	pthread_mutex_init(&faults->mutex, NULL);
	return faults;
}

void faults_forget(struct faults *faults)
{
	struct fault *next;

	pthread_mutex_lock(&faults->mutex);
	for (struct fault *fault = faults->first; fault; fault = next) {
		next = fault->next;
		fault_free(fault);
	}
	faults->first = NULL;
	pthread_mutex_unlock(&faults->mutex);
}

void faults_free(struct faults *faults)
{
	if (!faults)
		return;
	faults_forget(faults);
	pthread_mutex_destroy(&faults->mutex);
	free(faults);
}

static bool kind_of(const char *word, struct fault *fault)
{
	for (int k = FAULT_NONE + 1; word && k < FAULT_KINDS; k++) {
		bool after = !strcmp(word, kinds[k].after_word);

		if (after || !strcmp(word, kinds[k].word)) {
			fault->kind = (enum fault_kind)k;
			fault->after = after || kinds[k].always_after;
			return true;
		}
	}
	return false;
}

/* An absent number keeps what is there. */
static bool number_param(const struct param *params, const char *name, int64_t *number)
{
	const char *text = param(params, name);

	return !text || text_number(text, number);
}

static const char *read_fault(const struct param *params, struct fault *fault)
{
	const char *endpoint = param(params, "endpoint");
	const char *count = param(params, "count");

	if (!kind_of(param(params, "kind"), fault))
		return "kind: must be delay, status, drop, reset, notjson, html, huge, body, slow or truncate, "
		       "each also with _after";
	fault->ms = fault->kind == FAULT_SLOW ? 1000 : 0;
	fault->status = 200;
	fault->count = 1;
	if (!number_param(params, "ms", &fault->ms))
		return "ms: must be a number";
	if (!number_param(params, "status", &fault->status) || fault->status < 200 || fault->status > 599)
		return "status: must be from 200 to 599";
	if (fault->kind == FAULT_STATUS && !param(params, "status"))
		return "status: is missing";
	if (count && !strcmp(count, "always"))
		fault->count = -1;
	else if (!number_param(params, "count", &fault->count))
		return "count: must be a number or always";
	fault->endpoint = text_copy(endpoint ? endpoint : "token");
	fault->retry_after = text_copy(param(params, "retry_after"));
	fault->body = text_copy(param(params, "body"));
	fault->type = text_copy(param(params, "type"));
	return NULL;
}

int faults_arm(struct faults *faults, const struct param *params, const char **why)
{
	struct fault *fault = memory(sizeof(*fault));
	struct fault **end = &faults->first;

	*why = read_fault(params, fault);
	if (*why) {
		fault_free(fault);
		return -1;
	}
	pthread_mutex_lock(&faults->mutex);
	while (*end)
		end = &(*end)->next;
	*end = fault;
	pthread_mutex_unlock(&faults->mutex);
	return 0;
}

int faults_arm_text(struct faults *faults, const char *text, const char **why)
{
	struct param *params = NULL;
	char *copy = text_copy(text);
	char *rest = copy;
	char *pair;
	int r;

	while ((pair = strsep(&rest, ","))) {
		char *name = strsep(&pair, "=");

		param_add(&params, name, pair);
	}
	r = faults_arm(faults, params, why);
	params_free(params);
	free(copy);
	return r;
}

static void plan_with(struct fault_plan *plan, const struct fault *fault)
{
	if (fault->kind == FAULT_DELAY) {
		*(fault->after ? &plan->delay_after_ms : &plan->delay_ms) += fault->ms;
	} else {
		plan->kind = fault->kind;
		plan->after = fault->after;
		plan->ms = fault->ms;
		plan->status = (unsigned int)fault->status;
		plan->retry_after = text_copy(fault->retry_after);
		plan->body = text_copy(fault->body);
		plan->type = text_copy(fault->type);
	}
	if (!plan->name || fault->kind != FAULT_DELAY)
		plan->name = fault->after ? kinds[fault->kind].after_word : kinds[fault->kind].word;
}

void faults_take(struct faults *faults, const char *endpoint, struct fault_plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	pthread_mutex_lock(&faults->mutex);
	for (struct fault *fault = faults->first; fault; fault = fault->next) {
		if (!fault->count || (strcmp(fault->endpoint, "*") && strcmp(fault->endpoint, endpoint)))
			continue;
		if (fault->kind != FAULT_DELAY && plan->kind)
			continue;
		plan_with(plan, fault);
		if (fault->count > 0)
			fault->count--;
	}
	pthread_mutex_unlock(&faults->mutex);
}

json_t *faults_list(struct faults *faults)
{
	json_t *list = json_array();

	pthread_mutex_lock(&faults->mutex);
	for (struct fault *fault = faults->first; fault; fault = fault->next)
		if (fault->count)
			json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I, s:o}", "endpoint",
				fault->endpoint, "kind",
				fault->after ? kinds[fault->kind].after_word : kinds[fault->kind].word,
				"ms", (json_int_t)fault->ms, "status", (json_int_t)fault->status, "count",
				fault->count < 0 ? json_string("always") : json_integer(fault->count)));
	pthread_mutex_unlock(&faults->mutex);
	return list;
}

static char *huge_body(void)
{
	static const char begin[] = "{\"access_token\":\"";
	char *body = memory(HUGE_SIZE + 1);

	memset(body, 'A', HUGE_SIZE);
	memcpy(body, begin, strlen(begin));
	memcpy(body + HUGE_SIZE - 2, "\"}", 2);
	return body;
}

void fault_spoil(const struct fault_plan *plan, struct reply *reply)
{
	char *body = NULL;
	const char *type = "application/json";

	switch (plan->kind) {
	case FAULT_STATUS:
		body = text_copy(plan->body ? plan->body : "{\"error\":\"temporarily_unavailable\"}");
		break;
	case FAULT_NOTJSON:
		body = text_copy("{\"access_token\": \"cut off, and not");
		break;
	case FAULT_HTML:
		type = "text/html; charset=utf-8";
		body = text_copy("<!doctype html><title>Sorry</title><h1>Something went wrong</h1>");
		break;
	case FAULT_HUGE:
		body = huge_body();
		break;
	case FAULT_BODY:
		body = text_copy(plan->body ? plan->body : "");
		break;
	default:
		return;
	}
	reply_clear(reply);
	reply->status = plan->status;
	reply->type = plan->type ? plan->type : type;
	reply->retry_after = text_copy(plan->retry_after);
	reply->body = body;
	reply->length = strlen(body);
}
