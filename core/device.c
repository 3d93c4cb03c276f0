/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * device.c: the device flow (RFC 8628, and Zoho's dialect of it): a code is shown, the user approves it on another
 * device, and meanwhile the server is asked now and then whether that has happened.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "context.h"
#include "expiry.h"
#include "login.h"
#include "private.h"
#include "qr_code.h"
#include "secret.h"

#define INTERVAL_S 5     /* where the server names none (RFC 8628, 3.2) */
#define INTERVAL_MIN_MS 1000
#define SLOWER_MS 5000   /* by slow_down */
#define LIFE_MAX_S (24 * 3600)
#define USER_CODE_MAX 64
#define DEVICE_GRANT "urn:ietf:params:oauth:grant-type:device_code"

/* One device login under way. Its `login` comes first: the exchange hands it to ask_poll(). */
struct device {
	struct login login;
	char *device_code, *user_code, *uri, *uri_complete;
	int64_t interval_ms, ends_ms; /* the end by lease_clock_ms() */
	/* What the last poll came to. */
	bool asked, waiting, slow_down;
	char *user_location; /* Zoho: the data centre to ask instead; NULL */
};

static void device_free(struct device *device)
{
	secret_free(device->device_code);
	free(device->user_code);
	free(device->uri);
	free(device->uri_complete);
	free(device->user_location);
}

/*
 * Asking for a code
 */

static bool zoho(const struct client *client)
{
	return client->dialect == DIALECT_ZOHO;
}

static void add_params(struct form *form, const struct client *client)
{
	const struct setting *const *groups = client->authorization_params;

	/* The client's wins where both have one: the provider's is left out then. */
	for (int i = 0; i < 2; i++)
		for (const struct setting *param = groups[i] ? groups[i]->first : NULL; param; param = param->next)
			if (i || !groups[1] || !setting_member(groups[1], param->name))
				form_add(form, param->name, param->text);
}

static int64_t number_of(const struct answer *answer, const char *name, int64_t otherwise)
{
	double number;

	if (!answer_number(answer, name, &number) || !(number >= 0))
		return otherwise;
	return number < LIFE_MAX_S * 1000.0 ? (int64_t)number : LIFE_MAX_S * INT64_C(1000);
}

/* Zoho counts in milliseconds; nobody waits a thousand seconds between two polls, so a small number is none. */
static int64_t span_ms(const struct client *client, const struct answer *answer, const char *name,
		       int64_t otherwise_s)
{
	int64_t number = number_of(answer, name, -1);

	if (number < 0)
		return otherwise_s * 1000;
	return zoho(client) && number >= 1000 ? number : number * 1000;
}

/* People are sent there, so it is a web page, and nothing that a terminal would act upon. */
static char *take_uri(const struct answer *answer, const char *name)
{
	const char *uri = answer_string(answer, name);
	bool web = uri && (!strncmp(uri, "https://", 8) || !strncmp(uri, "http://", 7));

	for (const char *p = uri; web && *p; p++)
		web = *p > 0x20 && *p < 0x7f;
	return web ? strdup(uri) : NULL;
}

static char *take_user_code(const struct answer *answer)
{
	const char *code = answer_string(answer, "user_code");

	return code && strlen(code) <= USER_CODE_MAX ? error_clean(code, strlen(code)) : NULL;
}

static int take_answer(struct device *device, const struct client *client, const struct answer *answer,
		       struct error *err)
{
	const char *code = answer_string(answer, "device_code");
	int64_t life_ms = span_ms(client, answer, "expires_in", client->login_timeout_s);

	device->device_code = code ? strdup(code) : NULL;
	device->user_code = take_user_code(answer);
	device->uri = take_uri(answer, "verification_uri");
	if (!device->uri)
		device->uri = take_uri(answer, "verification_url"); /* Zoho's and Google's name for it */
	device->uri_complete = take_uri(answer, "verification_uri_complete");
	device->interval_ms = span_ms(client, answer, "interval", INTERVAL_S);
	if (device->interval_ms < INTERVAL_MIN_MS)
		device->interval_ms = INTERVAL_MIN_MS;
	if (life_ms > client->login_timeout_s * 1000)
		life_ms = client->login_timeout_s * 1000;
	device->ends_ms = lease_clock_ms() + life_ms;
	if (!device->device_code || !device->user_code || !device->uri)
		return error_set(err, TOKEEP_EREPLY, "%s: not a usable answer: %s is missing or malformed",
				 client->device_authorization_url,
				 !device->device_code ? "device_code" :
				 !device->user_code   ? "user_code" :
							"verification_uri");
	return 0;
}

static int no_endpoint(const struct client *client, struct error *err)
{
	return error_set(err, TOKEEP_ECONFIG,
			 "%s: device_authorization_url is missing: neither the client nor its provider has it, nor the "
			 "issuer's metadata; where the provider has no device flow, run: tokeep login %s --no-browser",
			 client->name, client->name);
}

static int request_code(const struct flow *flow, struct client *client, const char *scope, struct device *device)
{
	struct oauth_net net = { .conf = flow->conf, .now_ms = expiry_now_ms(),
				 .timeout_ms = flow_left_ms(flow, flow->conf->timeout_s * 1000) };
	struct form form = { NULL, 0, 0, false };
	struct http_response response;
	struct oauth_result result;
	struct answer *answer = NULL;
	int r;

	if (!client->device_authorization_url)
		return no_endpoint(client, flow->err);
	form_add(&form, "grant_type", zoho(client) ? "device_request" : NULL);
	form_add(&form, "scope", scope);
	add_params(&form, client);
	r = oauth_ask(client, &net, client->device_authorization_url, &form, OAUTH_DEVICE, &response, &result, flow->err);
	if (!r) {
		r = answer_read(&response, &answer, flow->err);
		if (r)
			error_add(flow->err, ": %s", client->device_authorization_url);
	}
	if (!r)
		r = take_answer(device, client, answer, flow->err);
	answer_free(answer);
	oauth_result_free(&result);
	http_response_free(&response);
	return r;
}

/*
 * Asking whether it was approved
 */

static int ask_poll(const struct exchange *x, const struct oauth_net *net, struct oauth_result *result)
{
	/* login_run() hands out what it was given, which is the first member of a struct device. */
	struct device *device = (struct device *)(uintptr_t)x->data;
	struct client *client = x->client;
	struct form form = { NULL, 0, 0, false };
	int r;

	form_add(&form, "grant_type", zoho(client) ? "device_token" : DEVICE_GRANT);
	form_add(&form, zoho(client) ? "code" : "device_code", x->secret);
	r = oauth_token(client, net, client->device_token_url ? client->device_token_url : client->token_url, &form,
			OAUTH_DEVICE, result, x->flow->err);
	device->asked = true;
	device->slow_down = r == TOKEEP_ELATER && result->error && !strcmp(result->error, "slow_down");
	device->waiting = device->slow_down ||
			  (r == TOKEEP_ELATER && result->error && !strcmp(result->error, "authorization_pending"));
	if (r == TOKEEP_ECLIENT && result->error && !strcmp(result->error, "other_dc")) {
		device->user_location = result->user_location;
		result->user_location = NULL; /* transferred */
	}
	return r;
}

static void sleep_ms(int64_t ms)
{
	struct timespec rest = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&rest, &rest))
		;
}

/* The rate after this poll: only ever slower (RFC 8628, 3.5). A server that is down or busy is left in peace as one that
 * doesn't answer is. */
static void adapt(struct device *device, int r, int64_t retry_after_s)
{
	if (device->slow_down)
		device->interval_ms += SLOWER_MS;
	else if (!device->waiting && r)
		device->interval_ms *= 2;
	if (retry_after_s * 1000 > device->interval_ms)
		device->interval_ms = retry_after_s * 1000;
}

static int expired(const struct flow *flow, const struct client *client, const struct device *device)
{
	bool waited = device->waiting || !flow->err->result;

	if (waited) /* not the fault of the network */
		error_set(flow->err, TOKEEP_ELOGIN, "%s: nobody approved the login in time", client->name);
	else
		error_add(flow->err, "; the time for the login is up");
	error_add(flow->err, "; run: tokeep login %s --device", client->name);
	return waited ? TOKEEP_ELOGIN : flow->err->result;
}

/* Zoho: the account lives elsewhere, and the same code is known there. */
static int move(const struct flow *flow, struct client **client, struct device *device)
{
	struct client *moved;
	int r;

	if ((*client)->data_center && !strcmp((*client)->data_center, device->user_location))
		return error_set(flow->err, TOKEEP_EREPLY, "%s: data centre %s sends to itself", (*client)->name,
				 device->user_location);
	r = client_named(flow->conf, (*client)->name, device->user_location, &moved, flow->err);
	if (r)
		return r;
	log_say(flow->log, TOKEEP_LOG_NOTICE, "%s: the account is in data centre %s", (*client)->name,
		device->user_location);
	client_free(*client);
	*client = moved;
	free(device->user_location);
	device->user_location = NULL;
	return 0;
}

static bool goes_on(const struct device *device, int r)
{
	return device->asked && (r == TOKEEP_ELATER || r == TOKEEP_ETRANSPORT);
}

/* Signals are held back during each poll only, and only a poll that yields a token leaves a trace in the journal. */
static int poll_until_done(const struct flow *flow, struct client **client, struct device *device,
			   struct tokeep_token *token)
{
	int r;

	for (;;) {
		int64_t left_ms = flow_left_ms(flow, device->ends_ms - lease_clock_ms());

		if (left_ms <= device->interval_ms) {
			sleep_ms(left_ms > 0 ? left_ms : 0);
			return expired(flow, *client, device);
		}
		sleep_ms(device->interval_ms);
		device->asked = false;
		error_clear(flow->err);
		r = login_run(flow, *client, &device->login, token);
		if (device->user_location) {
			r = move(flow, client, device);
			if (r)
				return r;
		} else if (!goes_on(device, r)) {
			return r;
		} else {
			adapt(device, r, flow->err->retry_after_s);
			if (!device->waiting)
				log_say(flow->log, TOKEEP_LOG_NOTICE, "%s; asking again in %" PRId64 " s",
					error_text(flow->err), device->interval_ms / 1000);
		}
	}
}

static int log_in(const struct flow *flow, struct client **client, const struct tokeep_device_login *ui,
		  struct tokeep_token *token)
{
	struct device device = { .login = { .ask = ask_poll, .grant_type = "device_code" } };
	const char *scope = tokeep_token_get(token, TOKEEP_FIELD_SCOPE);
	int r = login_prove(flow, *client, &device.login, token);

	if (!r)
		r = request_code(flow, *client, scope ? scope : (*client)->scope, &device);
	if (!r) {
		device.login.secret = device.device_code;
		ui->show(ui->data, device.uri, device.uri_complete, device.user_code,
			 (device.ends_ms - lease_clock_ms() + 999) / 1000);
		r = poll_until_done(flow, client, &device, token);
	}
	device_free(&device);
	return r;
}

int tokeep_login_device(struct tokeep *tk, const char *name, const struct tokeep_device_login *ui,
			struct tokeep_token *token)
{
	struct client *client = NULL;
	struct flow flow;
	int r = context_flow(tk, &flow);

	if (!r && (!ui || !ui->show))
		r = error_set(&tk->err, TOKEEP_EINVAL, "login: nothing to show the code with is given");
	if (!r)
		r = client_named(&tk->conf, name, NULL, &client, &tk->err);
	if (!r)
		r = log_in(&flow, &client, ui, token);
	client_free(client);
	return r;
}

unsigned char *tokeep_qr_code(const char *text, int *width)
{
	struct error ignored = { .retry_after_s = -1 };
	const void *found = NULL;
	const struct qr_ops *ops;

	private_load("qr_code", "tokeep_qr", QR_VERSION, "there is no QR code", &found, &ignored);
	error_clear(&ignored);
	ops = found;
	return ops ? ops->encode(text, width) : NULL;
}
