/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * browser.c: a login in the browser: listen, open the browser, wait for the one callback that answers our request, or
 * for what is pasted, exchange its code, and tell the browser how that went.
 */
#include <config.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authorize.h"
#include "context.h"
#include "launch.h"
#include "listener.h"
#include "login_turn.h"
#include "paste.h"
#include "private.h"
#include "redirect.h"

#define REDIRECT_URL "http://127.0.0.1/callback" /* with a port, where the client has none */
#define LOOK_MS 1000                             /* between two looks whether the browser's start went well */
#define REFUSALS_TOLD 10                         /* whoever sends us wrong callbacks shall not fill a terminal */

/* One login, from the request to its end. */
struct pending {
	const struct flow *flow;
	const struct tokeep_browser_login *how;
	struct client *client;
	struct tokeep_token *token;
	const struct listener_ops *ops;
	struct listener *listener; /* NULL: pasting is the only way */
	struct authorization authorization;
	struct launch launch;
	struct paste paste;
	int64_t end_ms;
	int refusals;
};

/*
 * The listener
 */

/* NULL: built without. */
static int load_listener(const struct listener_ops **ops, struct error *err)
{
	const void *found = NULL;
	int r = private_load("listener", "tokeep_listener", LISTENER_VERSION, "the browser can't come back", &found, err);

	*ops = found;
	return r;
}

static int only_pasting(const struct pending *p, const char *why)
{
	if (p->paste.fd < 0)
		return error_set(p->flow->err, TOKEEP_ECONFIG,
				 "%s: %s, so the callback URL has to be pasted; at a terminal, run: tokeep login %s",
				 p->client->name, why, p->client->name);
	log_say(p->flow->log, TOKEEP_LOG_NOTICE, "%s: %s, so the callback URL has to be pasted", p->client->name, why);
	return 0;
}

static int open_listener(struct pending *p, const struct redirect *redirect, int port, char **redirect_url)
{
	/* Without a redirect_url in the configuration the address is ours to choose. */
	struct listener_options options = { .host = p->client->redirect_url ? redirect->host : NULL, .port = port };
	struct redirect here = *redirect;
	char *path = redirect_path(redirect), *address = NULL;
	int r;

	if (!path)
		return error_nomem(p->flow->err);
	options.path = path;
	r = p->ops->open(&options, &p->listener, p->flow->err);
	free(path);
	if (r)
		return r;
	if (!options.host && asprintf(&address, "http://%s%s", p->ops->host(p->listener), redirect->rest) < 0)
		return error_nomem(p->flow->err);
	if (address)
		redirect_read(address, &here);
	*redirect_url = redirect_with_port(&here, p->ops->port(p->listener));
	free(address);
	return *redirect_url ? 0 : error_nomem(p->flow->err);
}

/* Where the browser is to come back to, with the listener there if there can be one. */
static int prepare_redirect(struct pending *p, char **redirect_url)
{
	const char *configured = p->client->redirect_url;
	struct redirect redirect;
	bool here = redirect_read(configured ? configured : REDIRECT_URL, &redirect);
	int port = p->how->port ? p->how->port : here ? redirect.port : 0, r;

	if (port < 0 || port > 65535)
		return error_set(p->flow->err, TOKEEP_EINVAL, "port %d: is none; there are 1 to 65535", port);
	if (!here && p->how->port)
		return error_set(p->flow->err, TOKEEP_EINVAL, "port %d: the redirect_url of %s leads elsewhere: %s", port,
				 p->client->name, configured);
	r = here ? load_listener(&p->ops, p->flow->err) : 0;
	if (r)
		return r;
	if (p->ops)
		return open_listener(p, &redirect, port, redirect_url);
	r = only_pasting(p, here ? "tokeep is built without libmicrohttpd" : "its redirect_url does not lead here");
	if (!r) {
		*redirect_url = here && port ? redirect_with_port(&redirect, port) :
					       strdup(configured ? configured : REDIRECT_URL);
		r = *redirect_url ? 0 : error_nomem(p->flow->err);
	}
	return r;
}

/*
 * What the browser is told
 */

static void tell(struct pending *p, unsigned int status, enum page_kind kind, const char *lead, const char *detail,
		 const char *next)
{
	struct page page;

	page_make(&page, kind, lead, detail, next);
	p->ops->answer(p->listener, status, &page);
	page_free(&page);
}

static void tell_end(struct pending *p, int r)
{
	static const char close_it[] = "You may close this tab.";
	const char *user = p->token->value[TOKEEP_FIELD_USER_NAME], *words = error_text(p->flow->err);
	char *detail = NULL;

	if (r == TOKEEP_EUNSAVED)
		tell(p, 200, PAGE_FAILURE, "You are logged in, but the token could not be stored.", words,
		     "The terminal tells more. You may close this tab.");
	else if (r)
		tell(p, 200, PAGE_FAILURE, NULL, words,
		     "Go back to the terminal, and log in again from there. You may close this tab.");
	else
		tell(p, 200, PAGE_SUCCESS, user,
		     asprintf(&detail, "tokeep has the token for the client %s.", p->client->name) < 0 ? NULL : detail,
		     close_it);
	free(detail);
}

/* Of somebody else, or of another login: nothing of it is used, and the right one may still come. */
static void refuse(struct pending *p, bool from_browser)
{
	if (p->refusals++ < REFUSALS_TOLD)
		log_say(p->flow->log, TOKEEP_LOG_WARNING, "%s", error_text(p->flow->err));
	if (from_browser)
		tell(p, 400, PAGE_REFUSAL, NULL, error_text(p->flow->err),
		     "tokeep has not used anything of it, and still waits for the right one. If you logged in in an older "
		     "tab, take the URL that the terminal shows now.");
	error_clear(p->flow->err);
}

/*
 * What comes
 */

static int check(const struct pending *p, const char *url, struct callback *callback)
{
	int r = callback_read(url, callback, p->flow->err);

	if (!r)
		r = authorization_check(&p->authorization, p->client, callback, p->flow->err);
	if (r)
		callback_free(callback);
	return r;
}

/* 1: it was not the one; else the login has ended. */
static int take_callback(struct pending *p, const char *url, bool from_browser)
{
	struct callback callback = { .code = NULL };
	int r = check(p, url, &callback);

	if (r == TOKEEP_EINVAL) {
		refuse(p, from_browser);
		return 1;
	}
	if (p->listener)
		p->ops->stop(p->listener);
	if (!r)
		r = login_with_callback(p->flow, &p->client, &callback, p->authorization.redirect_url,
					p->authorization.code_verifier, p->token);
	callback_free(&callback);
	if (from_browser)
		tell_end(p, r);
	return r;
}

/* A whole URL shows whose it is; a bare code is bound to our verifier. */
static int take_pasted(struct pending *p)
{
	const char *line = paste_line(&p->paste);

	if (!line && p->paste.fd < 0 && !p->listener)
		return error_set(p->flow->err, TOKEEP_ELOGIN, "%s: nothing was pasted; run: tokeep login %s",
				 p->client->name, p->client->name);
	if (!line)
		return 1;
	if (strchr(line, '?') || strstr(line, "code=") || strstr(line, "error="))
		return take_callback(p, line, false);
	if (p->listener)
		p->ops->stop(p->listener);
	return login_with_code(p->flow, p->client, line, p->authorization.redirect_url, p->authorization.code_verifier,
			       p->token);
}

static enum listener_event wait_for_event(struct pending *p, int64_t timeout_ms, const char **url)
{
	struct pollfd ready = { .fd = p->paste.fd, .events = POLLIN };

	if (p->listener)
		return p->ops->wait(p->listener, p->paste.fd, timeout_ms, url);
	return poll(&ready, 1, (int)timeout_ms) > 0 ? LISTENER_READABLE : LISTENER_TIMEOUT;
}

static void look_after_browser(struct pending *p)
{
	if (!launch_well(&p->launch))
		log_say(p->flow->log, TOKEEP_LOG_WARNING, "%s: could not open the browser: open the URL yourself",
			p->launch.name);
}

static int too_late(const struct pending *p)
{
	const struct client *client = p->client;

	if (p->flow->deadline_ms && p->flow->deadline_ms <= lease_clock_ms())
		return error_set(p->flow->err, TOKEEP_ELOGIN,
				 "%s: nobody has logged in within the time that the program gives; run: tokeep login %s",
				 client->name, client->name);
	return error_set(p->flow->err, TOKEEP_ELOGIN,
			 "%s: nobody has logged in within %d s (login_timeout); run: tokeep login %s", client->name,
			 (int)client->login_timeout_s, client->name);
}

static int wait_for_login(struct pending *p)
{
	const char *url = NULL;
	int r = 1;

	while (r == 1) {
		int64_t left_ms = p->end_ms - lease_clock_ms();

		if (left_ms <= 0)
			return too_late(p);
		switch (wait_for_event(p, left_ms < LOOK_MS ? left_ms : LOOK_MS, &url)) {
		case LISTENER_CALLBACK:
			r = take_callback(p, url, true);
			break;
		case LISTENER_READABLE:
			r = take_pasted(p);
			break;
		case LISTENER_TIMEOUT:
			look_after_browser(p);
		}
	}
	return r;
}

/*
 * The whole
 */

static void invite(struct pending *p)
{
	if (p->listener && p->how->listening)
		p->how->listening(p->how->data, p->ops->port(p->listener));
	if (p->how->show)
		p->how->show(p->how->data, p->authorization.url);
	if (p->how->open_browser && !launch_browser(p->authorization.url, &p->launch))
		log_say(p->flow->log, TOKEEP_LOG_WARNING, "%s could be started: open the URL yourself",
			p->launch.name ? "no browser" : "there is no desktop, so no browser");
}

static int run(struct pending *p)
{
	char *redirect_url = NULL;
	int r = prepare_redirect(p, &redirect_url);

	if (!r)
		r = authorization_new(p->flow, p->client, p->token->value[TOKEEP_FIELD_SCOPE], redirect_url,
				      &p->authorization);
	if (!r) {
		invite(p);
		r = wait_for_login(p);
		look_after_browser(p);
	}
	authorization_free(&p->authorization);
	paste_free(&p->paste);
	if (p->listener)
		p->ops->close(p->listener);
	free(redirect_url);
	return r;
}

static int log_in(const struct flow *flow, struct client *client, const struct tokeep_browser_login *how,
		  struct tokeep_token *token, struct client **used)
{
	int64_t timeout_ms = flow_left_ms(flow, client->login_timeout_s * 1000);
	struct pending p = { .flow = flow, .how = how, .client = client, .token = token, .paste.fd = how->paste_fd,
			     .end_ms = lease_clock_ms() + timeout_ms };
	int turn = -1, r = flow_discover(flow, client);

	if (!r)
		r = login_turn_take(flow, client, timeout_ms, token, &turn);
	if (r || turn < 0)
		return r;
	r = run(&p);
	*used = p.client; /* the user's data centre may be another one */
	close(turn);
	return r;
}

int tokeep_login_browser(struct tokeep *tk, const char *name, const struct tokeep_browser_login *how,
			 struct tokeep_token *token)
{
	static const struct tokeep_browser_login usual = { .open_browser = 1, .paste_fd = -1 };
	struct client *client = NULL;
	struct flow flow;
	int r = context_flow(tk, &flow);

	if (!r)
		r = client_named(&tk->conf, name, NULL, &client, &tk->err);
	if (!r)
		r = log_in(&flow, client, how ? how : &usual, token, &client);
	client_free(client);
	return r;
}
