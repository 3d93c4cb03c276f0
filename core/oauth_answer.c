/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* oauth_answer.c: what an answer of an authorization server means: a token that can be trusted to be one, or a refusal
 * put into its class and into words (RFC 6749, 5.1 and 5.2; Zoho's dialect). */
#include <config.h>

#include "oauth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "answer.h"
#include "secret.h"

#define LIFE_MAX_S (100.0 * 365 * 86400) /* longer is as good as for ever, and still a sane date */
#define ZOHO_PAUSE_S 600                 /* how long Zoho blocks whoever asks too often */
#define ERROR_NAME_MAX 64
#define WORDS_MAX 400

enum {
	REFRESH = 1 << OAUTH_REFRESH, EXCHANGE = 1 << OAUTH_EXCHANGE, CREDENTIALS = 1 << OAUTH_CREDENTIALS,
	DEVICE = 1 << OAUTH_DEVICE, ANY = REFRESH | EXCHANGE | CREDENTIALS | DEVICE
};

static const char dead_code[] =
	"the code is wrong, was used before or is too old (a code lives for some minutes and works once), or it belongs "
	"to another client or redirect URL: get a new one";
static const char dead_refresh_token[] =
	"the refresh token is no longer good: it was revoked or replaced, has expired, or belongs to another client";
static const char zoho_dead_code[] =
	"the code is wrong, was used before, is older than two or three minutes, or comes from another data centre: get a "
	"new one and use it at once";
static const char zoho_dead_refresh_token[] =
	"the refresh token is no longer good: it was revoked, pushed out by newer logins (Zoho keeps 20 a user), or "
	"comes from another data centre";
static const char unknown_client[] =
	"the server doesn't know this client_id, or not with this secret or way of client_auth";

/* The first line that fits decides; what isn't here is TOKEEP_ECLIENT. */
static const struct meaning {
	const char *error;
	unsigned int steps;
	int result;
	const char *text;
} meanings[] = {
	{ "invalid_grant",           REFRESH,     TOKEEP_ELOGIN,  dead_refresh_token },
	{ "invalid_grant",           EXCHANGE,    TOKEEP_ELOGIN,  dead_code },
	{ "invalid_grant",           DEVICE,      TOKEEP_ELOGIN,  "the server no longer knows this device login" },
	{ "invalid_code",            REFRESH,     TOKEEP_ELOGIN,  zoho_dead_refresh_token },
	{ "invalid_code",            EXCHANGE,    TOKEEP_ELOGIN,  zoho_dead_code },
	{ "invalid_code",            DEVICE,      TOKEEP_ELOGIN,  "the server no longer knows this device login" },
	{ "access_denied",           EXCHANGE | DEVICE, TOKEEP_ELOGIN, "the login was refused, or asked for too often" },
	{ "access_denied",           ANY,         TOKEEP_ECLIENT, "the server does not allow this" },
	{ "interaction_required",    REFRESH,     TOKEEP_ELOGIN,  "the server wants the user to take part" },
	{ "login_required",          REFRESH,     TOKEEP_ELOGIN,  "the server wants a new login" },
	{ "consent_required",        REFRESH,     TOKEEP_ELOGIN,  "the server wants the user's consent again" },
	{ "authorization_pending",   DEVICE,      TOKEEP_ELATER,  "the login has not been approved yet" },
	{ "expired_token",           DEVICE,      TOKEEP_ELOGIN,  "nobody approved the login in time" },
	{ "expired",                 DEVICE,      TOKEEP_ELOGIN,  "nobody approved the login in time" },
	{ "other_dc",                DEVICE,      TOKEEP_ECLIENT, "the account is in another data centre" },
	{ "slow_down",               ANY,         TOKEEP_ELATER,  "the server was asked too often" },
	{ "temporarily_unavailable", ANY,         TOKEEP_ELATER,  "the server can't answer now" },
	{ "server_error",            ANY,         TOKEEP_ELATER,  "the server failed" },
	{ "invalid_client",          ANY,         TOKEEP_ECLIENT, unknown_client },
	{ "invalid_client_secret",   ANY,         TOKEEP_ECLIENT, "the client_secret is wrong" },
	{ "unauthorized_client",     ANY,         TOKEEP_ECLIENT,
	  "the client is not registered for this kind of login: change that at the provider" },
	{ "unsupported_token_type",  ANY,         TOKEEP_ECLIENT, "the server does not revoke tokens of this kind" },
	{ "unsupported_grant_type",  ANY,         TOKEEP_ECLIENT, "the server does not have this kind of login" },
	{ "invalid_scope",           ANY,         TOKEEP_ECLIENT,
	  "a scope is unknown to the server, malformed, or more than was granted" },
	{ "invalid_redirect_uri",    ANY,         TOKEEP_ECLIENT,
	  "the redirect_url is not the one that is registered at the provider" },
	{ "redirect_uri_mismatch",   ANY,         TOKEEP_ECLIENT,
	  "the redirect_url is not the one that is registered at the provider" },
	{ "missing_org_info",        ANY,         TOKEEP_ECLIENT, "Zoho needs soid, such as ZohoCRM.6000000" },
	{ "invalid_request",         ANY,         TOKEEP_ECLIENT, "the server misses something in the request, or does "
	  "not like its form" },
};

static const struct meaning *meaning_of(const char *error, enum oauth_step step)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		if (!strcmp(meanings[i].error, error) && (meanings[i].steps & 1u << step))
			return &meanings[i];
	return NULL;
}

/* What is looked at together. */
struct look {
	const struct client *client;
	enum oauth_step step;
	const char *url;
	const struct http_response *response;
	const struct answer *answer; /* NULL: the body is none */
	struct oauth_result *result;
	struct error *err;
};

static int say(const struct look *look, int result, const char *text)
{
	return error_set(look->err, result, "%.*s: %s", (int)strcspn(look->url, "?#"), look->url, text);
}

/*
 * Success.
 */

/* Why a string of a server can't be used as a token (RFC 6749, appendix A: visible ASCII and blanks); NULL: it can. */
static const char *token_fault(const struct answer *answer, const char *name)
{
	const char *text = answer_string(answer, name);

	if (!text)
		return answer_kind(answer, name) == ANSWER_ABSENT ? "is missing" : "is no text";
	for (const char *p = text; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			return "has a character that no token may have";
	return strlen(text) > TOKEEP_VALUE_MAX ? "is longer than 65536 bytes" : NULL;
}

static bool token_type_known(const struct client *client, const char *type)
{
	return !type || !strcasecmp(type, "Bearer") || (client->header && !strcasecmp(type, client->header));
}

static int check_type(const struct look *look)
{
	const char *type = answer_string(look->answer, "token_type");

	if (!type && answer_kind(look->answer, "token_type") != ANSWER_ABSENT)
		return say(look, TOKEEP_EREPLY, "not a usable answer: token_type is no text");
	if (token_type_known(look->client, type))
		return 0;
	say(look, TOKEEP_EREPLY, "not a usable answer: its token_type is not Bearer but ");
	error_add(look->err, "%.40s, which tokeep can't use", type);
	return TOKEEP_EREPLY;
}

static int check_tokens(const struct look *look)
{
	const char *fault = token_fault(look->answer, "access_token");

	if (fault) {
		say(look, TOKEEP_EREPLY, "not a usable answer: access_token ");
		error_add(look->err, "%s", fault);
		return TOKEEP_EREPLY;
	}
	fault = token_fault(look->answer, "refresh_token");
	if (fault && answer_kind(look->answer, "refresh_token") != ANSWER_ABSENT) {
		say(look, TOKEEP_EREPLY, "not a usable answer: refresh_token ");
		error_add(look->err, "%s", fault);
		return TOKEEP_EREPLY;
	}
	return check_type(look);
}

/* Zoho's old form: with expires_in_sec there, expires_in is in milliseconds. */
static bool life_s(const struct look *look, double *life)
{
	if (look->client->dialect == DIALECT_ZOHO && answer_kind(look->answer, "expires_in_sec") != ANSWER_ABSENT) {
		if (answer_number(look->answer, "expires_in_sec", life))
			return true;
		if (!answer_number(look->answer, "expires_in", life))
			return false;
		*life /= 1000;
		return true;
	}
	return answer_number(look->answer, "expires_in", life);
}

/* No number: what the client assumes. Zero or less: it expires now, so it is handed out once and refreshed at the
 * next call; believing it to last for ever would be the worse mistake. */
static int set_expiry(const struct look *look, int64_t now_ms)
{
	double life;

	if (!life_s(look, &life)) {
		if (look->client->token_life_s <= 0)
			return 0;
		life = (double)look->client->token_life_s;
	}
	if (life < 0)
		life = 0;
	if (life > LIFE_MAX_S)
		life = LIFE_MAX_S;
	return token_set_time(&look->result->token, TOKEEP_FIELD_EXPIRY_TIME, now_ms + (int64_t)(life * 1000));
}

/* What the tokens don't hang on: dropped where it isn't sound. */
static int set_rest(const struct look *look)
{
	const char *domain = answer_string(look->answer, "api_domain");
	struct tokeep_token *token = &look->result->token;
	int r = 0;

	if (!token_fault(look->answer, "scope"))
		r = tokeep_token_set(token, TOKEEP_FIELD_SCOPE, answer_string(look->answer, "scope"));
	if (!r && !token_fault(look->answer, "token_type"))
		r = tokeep_token_set(token, TOKEEP_FIELD_TOKEN_TYPE, answer_string(look->answer, "token_type"));
	/* API calls carry the token there, so only a data centre of the provider's file will do. */
	if (!r && domain && look->client->dialect == DIALECT_ZOHO && client_data_center_of(look->client, domain))
		r = tokeep_token_set(token, TOKEEP_FIELD_API_DOMAIN, domain);
	if (!r && !token_fault(look->answer, "id_token")) {
		look->result->id_token = strdup(answer_string(look->answer, "id_token"));
		r = look->result->id_token ? 0 : TOKEEP_ENOMEM;
	}
	return r;
}

static int take_token(const struct look *look, int64_t now_ms)
{
	const struct answer *answer = look->answer;
	struct tokeep_token *token = &look->result->token;
	int r = check_tokens(look);

	if (r)
		return r;
	r = tokeep_token_set(token, TOKEEP_FIELD_REFRESH_TOKEN, answer_string(answer, "refresh_token"));
	r = r ? r : tokeep_token_set(token, TOKEEP_FIELD_ACCESS_TOKEN, answer_string(answer, "access_token"));
	r = r ? r : set_expiry(look, now_ms);
	r = r ? r : set_rest(look);
	return r ? error_nomem(look->err) : 0;
}

/*
 * Refusals.
 */

/* How much of a server's words is shown: not more than is read, cut between characters. */
static int shown(const char *words, size_t max)
{
	size_t n = strnlen(words, max + 1);

	if (n <= max)
		return (int)n;
	for (n = max; n && ((unsigned char)words[n] & 0xc0) == 0x80; n--)
		;
	return (int)n;
}

static char *clean_copy(const char *text, size_t max)
{
	return text ? error_clean(text, (size_t)shown(text, max)) : NULL;
}

static const char *error_name(const struct answer *answer)
{
	return answer ? answer_string(answer, "error") : NULL;
}

/* Some servers send "error": false beside a token. */
static bool has_error(const struct answer *answer)
{
	enum answer_kind kind = answer_kind(answer, "error");

	return kind != ANSWER_ABSENT && (kind != ANSWER_BOOL || answer_true(answer, "error"));
}

static bool is_zoho_failure(const struct look *look)
{
	const char *status = look->answer ? answer_string(look->answer, "status") : NULL;

	return look->client->dialect == DIALECT_ZOHO && status && !strcasecmp(status, "failure") &&
	       answer_kind(look->answer, "access_token") == ANSWER_ABSENT;
}

/* "Access Denied" and its translations; a proper error name says what it says. */
static bool is_throttled(const struct look *look)
{
	const char *error = error_name(look->answer);

	if (!is_zoho_failure(look))
		return false;
	return !error || !strcmp(error, "access_denied") || !meaning_of(error, look->step);
}

static bool is_later(long status)
{
	return status == 408 || status == 425 || status == 429 || status >= 500;
}

/* The server's own words behind the message: " invalid_client (no such client)". */
static void add_words(const struct look *look)
{
	const char *error = error_name(look->answer);
	const char *description = look->answer ? answer_string(look->answer, "error_description") : NULL;
	const char *uri = look->answer ? answer_string(look->answer, "error_uri") : NULL;

	if (error)
		error_add(look->err, "%.*s", shown(error, ERROR_NAME_MAX), error);
	if (description)
		error_add(look->err, " (%.*s)", shown(description, WORDS_MAX), description);
	if (uri)
		error_add(look->err, " (see %.*s)", shown(uri, WORDS_MAX), uri);
}

static void add_place(const struct look *look)
{
	const struct client *client = look->client;

	if (client->group && client->name)
		error_add(look->err, "; see clients.%s (%s:%d)", client->name, client->group->file,
			  client->group->line);
	else
		error_add(look->err, "; the client_id is %s", client->client_id ? client->client_id : "absent");
	if (client->data_center)
		error_add(look->err, ", data centre %s", client->data_center);
}

static void add_next(const struct look *look, int result)
{
	if (result == TOKEEP_ECLIENT)
		add_place(look);
	if (result == TOKEEP_ELOGIN && look->step != OAUTH_REFRESH && look->client->name)
		error_add(look->err, "; run: tokeep login %s", look->client->name);
}

static int refuse_later(const struct look *look)
{
	const int64_t told = look->response->retry_after_s;

	say(look, TOKEEP_ELATER, "");
	error_add(look->err, "answered HTTP %ld", look->response->status);
	if (error_name(look->answer)) {
		error_add(look->err, ", ");
		add_words(look);
	}
	error_add(look->err, ": try again later");
	look->err->retry_after_s = told;
	return TOKEEP_ELATER;
}

static int refuse_throttled(const struct look *look)
{
	const int64_t told = look->response->retry_after_s;

	look->result->throttled = true;
	say(look, TOKEEP_ELATER, "");
	add_words(look);
	error_add(look->err, ": Zoho was asked for tokens too often and refuses for about ten minutes");
	look->err->retry_after_s = told >= 0 ? told : ZOHO_PAUSE_S;
	return TOKEEP_ELATER;
}

static int refuse_by_name(const struct look *look)
{
	const struct meaning *meaning = meaning_of(error_name(look->answer), look->step);
	int result = meaning ? meaning->result : TOKEEP_ECLIENT;

	say(look, result, "");
	add_words(look);
	if (meaning)
		error_add(look->err, ": %s", meaning->text);
	add_next(look, result);
	if (result == TOKEEP_ELATER)
		look->err->retry_after_s = look->response->retry_after_s;
	return result;
}

static int refuse_redirect(const struct look *look)
{
	const char *location = look->response->location;
	size_t origin = location ? http_url_origin(location) : 0;

	say(look, TOKEEP_EREPLY, "");
	error_add(look->err, "answered HTTP %ld", look->response->status);
	if (origin)
		error_add(look->err, ", a redirect to %.*s", (int)origin, location);
	error_add(look->err, "; no redirect is followed, since the request holds secrets: configure the right URL");
	return TOKEEP_EREPLY;
}

static int refuse_unexplained(const struct look *look, const struct error *why)
{
	const char *type = look->response->content_type;
	int result = look->response->status == 401 ? TOKEEP_ECLIENT : TOKEEP_EREPLY;

	say(look, result, "");
	error_add(look->err, "answered HTTP %ld, no token and no OAuth error: ", look->response->status);
	if (look->answer)
		error_add(look->err, has_error(look->answer) ? "its error is no text" : "its JSON says neither");
	else
		error_add(look->err, "%s%s%.60s%s", error_text(why), type ? " (" : "", type ? type : "", type ? ")" : "");
	add_next(look, result);
	return result;
}

static int refuse(const struct look *look, const struct error *why)
{
	const long status = look->response->status;
	struct oauth_result *result = look->result;

	result->error = clean_copy(error_name(look->answer), ERROR_NAME_MAX);
	if (look->answer)
		result->user_location = clean_copy(answer_string(look->answer, "user_location"), ERROR_NAME_MAX);
	if (is_throttled(look))
		return refuse_throttled(look);
	if (is_later(status))
		return refuse_later(look);
	if (error_name(look->answer))
		return refuse_by_name(look);
	if (status >= 300 && status < 400)
		return refuse_redirect(look);
	return refuse_unexplained(look, why);
}

/* No token answer, but it may have cost the old refresh token: then the new one in it must not be lost. */
static void save_refresh_token(const struct look *look)
{
	if (look->answer && look->response->status / 100 == 2 && !token_fault(look->answer, "refresh_token"))
		tokeep_token_set(&look->result->token, TOKEEP_FIELD_REFRESH_TOKEN,
				 answer_string(look->answer, "refresh_token"));
}

static int read_answer(const struct http_response *response, struct answer **answer, struct error *why)
{
	int r = answer_read(response, answer, why);

	return r == TOKEEP_ENOMEM ? r : 0;
}

int oauth_answer(const struct client *client, enum oauth_step step, const char *url,
		 const struct http_response *response, int64_t now_ms, struct oauth_result *result, struct error *err)
{
	struct look look = { client, step, url, response, NULL, result, err };
	struct error why = { 0, NULL, -1 };
	struct answer *answer = NULL;
	int r = read_answer(response, &answer, &why);

	if (r)
		return error_nomem(err);
	look.answer = answer;
	if (answer && response->status == 200 && !has_error(answer) && !is_throttled(&look))
		r = take_token(&look, now_ms);
	else
		r = refuse(&look, &why);
	if (r == TOKEEP_EREPLY)
		save_refresh_token(&look);
	answer_free(answer);
	error_clear(&why);
	return r;
}

int oauth_error(const struct client *client, enum oauth_step step, const char *url,
		const struct http_response *response, struct oauth_result *result, struct error *err)
{
	struct look look = { client, step, url, response, NULL, result, err };
	struct error why = { 0, NULL, -1 };
	struct answer *answer = NULL;
	int r = read_answer(response, &answer, &why);

	if (r)
		return error_nomem(err);
	look.answer = answer;
	if (response->status / 100 != 2 || (answer && (has_error(answer) || is_throttled(&look))))
		r = refuse(&look, &why);
	answer_free(answer);
	error_clear(&why);
	return r;
}
