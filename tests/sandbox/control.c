/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* control.c: /_sandbox/...: what a test does to the server and sees of it. Any of it is open to everybody. */
#include "config.h"

#include "rules.h"
#include "sandbox.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static const char *either(const struct request *rq, const char *name)
{
	const char *value = param(rq->form, name);

	return value ? value : param(rq->query, name);
}

static void done(struct reply *reply)
{
	reply_json(reply, 200, json_pack("{s:b}", "ok", 1));
}

static void wrong(struct reply *reply, const char *where, const char *why)
{
	char *text = text_format("%s: %s", where, why);

	reply_json(reply, 400, json_pack("{s:s}", "error", text));
	free(text);
}

struct listing {
	json_t *list;
	const char *user; /* NULL: everybody's */
	int live;
};

static void add_grant(void *data, const struct grant_info *info)
{
	struct listing *listing = data;

	listing->live += !strcmp(info->state, "live");
	if (listing->user && !text_same(listing->user, info->user))
		return;
	json_array_append_new(listing->list, json_pack("{s:i, s:s?, s:s, s:s, s:s, s:s, s:i}", "id", (int)info->id, "user",
					      info->user, "client_id", info->client_id, "scope", info->scope,
					      "state", info->state, "refresh_token", info->refresh_token.hex,
					      "access_tokens", (int)info->access_tokens));
}

void control_state(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	struct grant_counts counts = grants_counts(sb->grants);
	struct listing listing = { .list = json_array(), .user = param(rq->query, "user") };
	json_t *state = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "refresh_requests",
				  record_refresh_requests(sb->record), "refreshes",
				  (json_int_t)counts.refreshes, "grace_refreshes", (json_int_t)counts.grace_refreshes, "reuse_detected",
				  (json_int_t)counts.reuse_detected, "code_reuse_detected",
				  (json_int_t)counts.code_reuse_detected, "throttled",
				  (json_int_t)counts.throttled, "requests", record_counts(sb->record), "faults",
				  faults_list(sb->faults));

	grants_each(sb->grants, add_grant, &listing);
	json_object_set_new(state, "live_grants", json_integer(listing.live));
	json_object_set_new(state, "grants", listing.list);
	reply_json(reply, 200, state);
}

void control_config(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	char *text = snippet(sb);

	(void)rq;
	reply_text(reply, 200, text);
}

void control_fault(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	const char *why = NULL;

	if (!strcmp(rq->method, "DELETE") || text_same(param(rq->form, "kind"), "none"))
		faults_forget(sb->faults);
	else if (!strcmp(rq->method, "POST"))
		faults_arm(sb->faults, rq->form ? rq->form : rq->query, &why);
	if (why)
		wrong(reply, "fault", why);
	else
		reply_json(reply, 200, json_pack("{s:o}", "faults", faults_list(sb->faults)));
}

/* "alice@example.com", 7 -> "alice7@example.com" */
static char *numbered(const char *user, int64_t number)
{
	int before = (int)strcspn(user, "@");

	return text_format("%.*s%lld%s", before, user, (long long)number, user + before);
}

static json_t *seed(struct sandbox *sb, const struct login *login, const char *refresh_token)
{
	struct issue issue = { 0 };
	char *code;
	json_t *answer;

	if (!grants_seed(sb->grants, login, refresh_token, &issue))
		return NULL;
	code = grants_code(sb->grants, login);
	answer = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "user", issue.user, "client_id",
			   issue.client_id, "refresh_token", issue.refresh_token, "access_token",
			   issue.access_token, "code", code, "scope", issue.scope, "expires_in",
			   (json_int_t)issue.expires_in_s, "expiry_time",
			   (json_int_t)(clock_ms() + issue.expires_in_s * 1000));
	free(code);
	issue_free(&issue);
	return answer;
}

static json_t *seed_many(struct sandbox *sb, struct login *login, int64_t count)
{
	const char *user = login->user;
	json_t *list = json_array();

	for (int64_t i = 1; i <= count; i++) {
		char *name = numbered(user, i);

		login->user = name;
		json_array_append_new(list, seed(sb, login, NULL));
		free(name);
	}
	return json_pack("{s:o}", "grants", list);
}

void control_seed(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	const struct client *client = grants_client(sb->grants, either(rq, "client_id"));
	struct login login = { .user = either(rq, "user"), .scope = either(rq, "scope"), .seeded = true };
	const char *many = either(rq, "count");
	int64_t count = 0;
	json_t *answer;

	if (!client) {
		wrong(reply, "client_id", "unknown");
		return;
	}
	if (many && (!text_number(many, &count) || count > 1000000)) {
		wrong(reply, "count", "must be a number up to 1000000");
		return;
	}
	login.client_id = client->id;
	if (!login.user)
		login.user = "alice@example.com";
	if (!login.scope)
		login.scope = sb->dialect == ZOHO ? "ZohoCRM.modules.ALL" : "api";
	answer = many ? seed_many(sb, &login, count) : seed(sb, &login, either(rq, "refresh_token"));
	if (answer)
		reply_json(reply, 200, answer);
	else
		wrong(reply, "refresh_token", "is there already");
}

/* What the server knows of a token, so that a test can ask whether it would still be taken. */
void control_look(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	const char *token = either(rq, "token");
	struct token_info info;

	grants_look(sb->grants, token, &info);
	reply_json(reply, 200,
		   json_pack("{s:s?, s:b, s:s?, s:s?, s:s?, s:s, s:I}", "kind", info.kind, "live", info.live, "user",
			     info.user, "client_id", info.client_id, "scope", info.scope, "digest",
			     digest_of(token).hex, "expires_ms", (json_int_t)info.expires_ms));
	token_info_free(&info);
}

/* The rules by the names of the options, and auto-approve. */
void control_set(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	const struct param *changes = rq->form ? rq->form : rq->query;
	struct rules rules = grants_rules(sb->grants);

	for (const struct param *p = changes; p; p = p->next) {
		const char *why = strcmp(p->name, "auto-approve") ? rules_set(&rules, p->name, p->value) : NULL;

		if (why) {
			wrong(reply, p->name, why);
			return;
		}
	}
	grants_set_rules(sb->grants, &rules);
	for (const struct param *p = changes; p; p = p->next)
		if (!strcmp(p->name, "auto-approve"))
			sandbox_set_auto_approve(sb, *p->value ? p->value : NULL);
	done(reply);
}

void control_expire(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	(void)rq;
	grants_expire_access(sb->grants);
	done(reply);
}

void control_revoke_all(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	(void)rq;
	grants_revoke_all(sb->grants);
	done(reply);
}

static void decide(struct sandbox *sb, struct request *rq, struct reply *reply, const char *user)
{
	if (grants_decide(sb->grants, either(rq, "user_code"), user))
		done(reply);
	else
		wrong(reply, "user_code", "no device waits with that code");
}

void control_approve(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	const char *user = either(rq, "user");

	decide(sb, rq, reply, user ? user : "alice@example.com");
}

void control_deny(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	decide(sb, rq, reply, NULL);
}

void control_reset(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	(void)rq;
	grants_forget(sb->grants);
	faults_forget(sb->faults);
	record_forget(sb->record);
	done(reply);
}
