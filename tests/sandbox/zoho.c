/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * zoho.c: Zoho's dialect: errors with status 200, no refresh token in the answer to a refresh, an api_domain,
 * the device flow in milliseconds, data centres. The two names of the loopback host play two data centres.
 */
#include "config.h"

#include "sandbox.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	unsigned int status;
	const char *error;
} words[VERDICTS] = {
	[BAD_REQUEST]    = { 200, "invalid_request" },
	[BAD_CLIENT]     = { 200, "invalid_client" },
	[BAD_SECRET]     = { 200, "invalid_client_secret" },
	[BAD_GRANT]      = { 200, "invalid_code" },
	[BAD_REDIRECT]   = { 200, "invalid_redirect_uri" },
	[BAD_SCOPE]      = { 200, "invalid_scope" },
	[BAD_GRANT_TYPE] = { 200, "unsupported_grant_type" },
	[NO_ORG]         = { 200, "missing_org_info" },
	[PENDING]        = { 200, "authorization_pending" },
	[SLOW_DOWN]      = { 200, "slow_down" },
	[DENIED]         = { 200, "access_denied" },
	[EXPIRED]        = { 200, "expired" },
	[OTHER_DC]       = { 200, "other_dc" },
	[THROTTLED]      = { 400, "throttled" },
};

static const char throttle_text[] =
	"You have made too many requests continuously. Please try again after some time.";

static void refuse(struct sandbox *sb, struct request *rq, struct reply *reply, enum verdict v)
{
	json_t *answer;

	rq->note.outcome = words[v].error;
	if (v == THROTTLED)
		answer = json_pack("{s:s, s:s, s:s}", "error_description", throttle_text, "error", "Access Denied",
				   "status", "failure");
	else
		answer = json_pack("{s:s}", "error", words[v].error);
	if (v == OTHER_DC)
		json_object_set_new(answer, "user_location", json_string(sb->location));
	reply_json(reply, words[v].status, answer);
}

/* Zoho takes parameters in the body and in the URL. */
static const char *either(const struct request *rq, const char *name)
{
	const char *value = param(rq->form, name);

	return value ? value : param(rq->query, name);
}

static const char *base_of(const struct sandbox *sb, const struct request *rq)
{
	return rq->host && !strcmp(rq->host, sb->other_host) ? sb->other_base : sb->base;
}

/* The data centre where this server's users live: "us" is the base, any other the other name. */
static bool at_home(const struct sandbox *sb, const struct request *rq)
{
	bool lives_in_us = !strcmp(sb->location, "us");

	return (base_of(sb, rq) == sb->base) == lives_in_us;
}

static enum verdict authenticate(struct sandbox *sb, struct request *rq, bool needs_secret,
				 const struct client **client)
{
	const char *id = either(rq, "client_id");
	const char *secret = either(rq, "client_secret");

	rq->note.client_auth = secret ? "post" : "none";
	*client = id ? grants_client(sb->grants, id) : NULL;
	if (!*client)
		return BAD_CLIENT;
	if ((*client)->secret && (secret || needs_secret))
		return secret && secret_same(secret, (*client)->secret) ? GRANTED : BAD_SECRET;
	return GRANTED;
}

static void grant_answer(struct sandbox *sb, struct request *rq, struct reply *reply, const struct issue *issue)
{
	const char *domain = sb->api_domain ? sb->api_domain : base_of(sb, rq);
	json_t *answer = json_pack("{s:s, s:s*, s:s, s:s, s:s}", "access_token", issue->access_token,
				   "refresh_token", issue->refresh_token, "scope", issue->scope, "api_domain",
				   domain, "token_type", "Bearer");

	if (sb->legacy_expiry)
		json_object_set_new(answer, "expires_in_sec", json_integer(issue->expires_in_s));
	json_object_set_new(answer, "expires_in",
			    json_integer(issue->expires_in_s * (sb->legacy_expiry ? 1000 : 1)));
	reply_json(reply, 200, answer);
}

static enum verdict by_code(struct sandbox *sb, struct request *rq, const struct client *client,
			    struct issue *issue)
{
	const char *code = either(rq, "code");

	if (!at_home(sb, rq))
		return BAD_GRANT;
	return grants_exchange(sb->grants, client->id, code, either(rq, "redirect_uri"),
			       either(rq, "code_verifier"), issue);
}

static enum verdict by_refresh_token(struct sandbox *sb, struct request *rq, const struct client *client,
				     struct issue *issue)
{
	const char *token = either(rq, "refresh_token");

	if (!at_home(sb, rq))
		return BAD_GRANT;
	return grants_refresh(sb->grants, client->id, token, either(rq, "scope"), issue);
}

static enum verdict by_client_credentials(struct sandbox *sb, struct request *rq, const struct client *client,
					  struct issue *issue)
{
	if (!either(rq, "soid"))
		return NO_ORG;
	grants_client_credentials(sb->grants, client->id, either(rq, "scope"), issue);
	return GRANTED;
}

static const struct {
	const char *name;
	enum verdict (*give)(struct sandbox *, struct request *, const struct client *, struct issue *);
} grant_types[] = {
	{ "authorization_code", by_code },
	{ "refresh_token", by_refresh_token },
	{ "client_credentials", by_client_credentials },
};

static enum verdict give(struct sandbox *sb, struct request *rq, struct issue *issue)
{
	const char *name = either(rq, "grant_type");
	const struct client *client = NULL;
	enum verdict v;

	v = authenticate(sb, rq, true, &client);
	if (v)
		return v;
	for (size_t i = 0; name && i < sizeof(grant_types) / sizeof(*grant_types); i++)
		if (!strcmp(grant_types[i].name, name))
			return grant_types[i].give(sb, rq, client, issue);
	return name ? BAD_GRANT_TYPE : BAD_REQUEST;
}

static void settle(struct sandbox *sb, struct request *rq, struct reply *reply, enum verdict v,
		   struct issue *issue)
{
	note_issue(rq, issue);
	if (v)
		refuse(sb, rq, reply, v);
	else
		grant_answer(sb, rq, reply, issue);
	issue_free(issue);
}

void zoho_token(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	struct issue issue = { 0 };
	enum verdict v = give(sb, rq, &issue);

	settle(sb, rq, reply, v, &issue);
}

void zoho_revoke(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	const char *token = either(rq, "token");

	if (grants_revoke(sb->grants, token, NULL)) {
		reply_json(reply, 200, json_pack("{s:s}", "status", "success"));
	} else {
		rq->note.outcome = "unknown_token";
		reply_json(reply, 400, json_pack("{s:s}", "error", "invalid_token"));
	}
}

void zoho_device(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	const char *grant_type = either(rq, "grant_type");
	const struct client *client = NULL;
	enum verdict v = authenticate(sb, rq, false, &client);
	struct device device;
	char *page;
	char *whole;

	if (!v && !text_same(grant_type, "device_request"))
		v = BAD_GRANT_TYPE;
	if (v) {
		refuse(sb, rq, reply, v);
		return;
	}
	grants_device(sb->grants, client->id, either(rq, "scope"), &device);
	page = text_format("%s/device", base_of(sb, rq));
	whole = text_format("%s?user_code=%s", page, device.user_code);
	reply_json(reply, 200,
		   json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "user_code", device.user_code, "device_code",
			     device.device_code, "verification_url", page, "verification_uri_complete", whole,
			     "expires_in", (json_int_t)device.expires_in_s * 1000, "interval",
			     (json_int_t)device.interval_s * 1000));
	free(page);
	free(whole);
	device_free(&device);
}

static enum verdict poll(struct sandbox *sb, struct request *rq, struct issue *issue)
{
	const char *grant_type = either(rq, "grant_type");
	const char *code = either(rq, "code");
	const struct client *client = NULL;
	struct token_info info;
	bool decided;
	enum verdict v;

	v = authenticate(sb, rq, true, &client);
	if (v)
		return v;
	if (!text_same(grant_type, "device_token"))
		return BAD_GRANT_TYPE;
	decided = grants_look(sb->grants, code, &info) && info.user;
	token_info_free(&info);
	if (decided && !at_home(sb, rq))
		return OTHER_DC;
	return grants_device_poll(sb->grants, client->id, code, issue);
}

void zoho_device_token(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	struct issue issue = { 0 };
	enum verdict v = poll(sb, rq, &issue);

	settle(sb, rq, reply, v, &issue);
}

void zoho_serverinfo(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	(void)rq;
	reply_json(reply, 200, json_pack("{s:s, s:{s:s, s:s}}", "result", "success", "locations", "us", sb->base,
					 strcmp(sb->location, "us") ? sb->location : "eu", sb->other_base));
}

/* Resources. */

static const char scheme[] = "Zoho-oauthtoken";

static void refuse_token(struct request *rq, struct reply *reply)
{
	rq->note.outcome = "invalid_token";
	reply_json(reply, 401, json_pack("{s:s, s:{}, s:s, s:s}", "code", "INVALID_TOKEN", "details", "message",
					 "invalid oauth token", "status", "error"));
}

static void refuse_scope(struct request *rq, struct reply *reply)
{
	rq->note.outcome = "scope_mismatch";
	reply_json(reply, 401, json_pack("{s:s, s:{}, s:s, s:s}", "code", "OAUTH_SCOPE_MISMATCH", "details",
					 "message", "invalid oauth scope to access this URL", "status", "error"));
}

static json_t *profile(const char *user)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "ZUID", "60000000001", "Email", user, "Display_Name", user,
			 "First_Name", user, "Last_Name", "Sandbox");
}

void zoho_userinfo(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	static const char needed[] = "AaaServer.profile.READ";
	struct token_info info;

	if (!bearer(sb, rq, scheme, &info) || !info.user)
		refuse_token(rq, reply);
	else if (!words_have(info.scope, needed, strlen(needed)))
		refuse_scope(rq, reply);
	else
		reply_json(reply, 200, profile(info.user));
	token_info_free(&info);
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text);

	return n >= strlen(end) && !strcmp(text + n - strlen(end), end);
}

/* The current user and the organisation, from which Zoho's SDKs make "<email>:<zgid>"; anything else is echoed. */
void zoho_crm(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	struct token_info info;

	if (!bearer(sb, rq, scheme, &info))
		refuse_token(rq, reply);
	else if (info.user && ends_with(rq->path, "/users"))
		reply_json(reply, 200, json_pack("{s:[{s:s, s:s}]}", "users", "id", "1", "email", info.user));
	else if (ends_with(rq->path, "/org"))
		reply_json(reply, 200, json_pack("{s:[{s:s}]}", "org", "zgid", "60012345678"));
	else
		reply_json(reply, 200, resource_echo(rq, &info));
	token_info_free(&info);
}
