/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* page.c: the frame of every page, the start page, and the page where a device's code is approved. */
#include "config.h"

#include "page.h"
#include "sandbox.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char frame[] =
	"<!doctype html><html lang=en><meta charset=utf-8>"
	"<meta name=viewport content=\"width=device-width\"><title>tokeep-sandbox</title>"
	"<style>:root{color-scheme:light dark}"
	"body{font:1.1em/1.5 system-ui,sans-serif;max-width:36em;margin:3em auto;padding:0 1em}"
	"input,button{font:inherit;padding:.3em .8em;margin:.2em}"
	".test{border:2px solid #c60;border-radius:.4em;padding:.5em 1em}</style>"
	"<p class=test><b>tokeep-sandbox, a server for tests.</b> Anybody may approve anything here. "
	"Never type a real password.</p>";

char *page_html(const char *format, ...)
{
	va_list args;
	char *body;
	char *page;
	int n;

	va_start(args, format);
	n = vasprintf(&body, format, args);
	va_end(args);
	if (n < 0)
		abort();
	page = text_format("%s%s\n", frame, body);
	free(body);
	return page;
}

char *page_hidden_fields(const struct param *params)
{
	char *fields = text_copy("");

	for (; params; params = params->next) {
		char *name = html_escaped(params->name);
		char *value = html_escaped(params->value);
		char *longer = text_format("%s<input type=hidden name=\"%s\" value=\"%s\">", fields, name, value);

		free(name);
		free(value);
		free(fields);
		fields = longer;
	}
	return fields;
}

void page_home(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	char *config = snippet(sb);
	char *safe = html_escaped(config);

	(void)rq;
	reply_html(reply, 200, page_html("<h1>tokeep-sandbox</h1><p>For tokeep.conf:</p><pre>%s</pre>"
					 "<p><a href=\"/device\">Approve a device</a> &middot; "
					 "<a href=\"/_sandbox/state\">State</a></p>", safe));
	free(safe);
	free(config);
}

static void ask_device(struct reply *reply, const char *user_code)
{
	char *safe = html_escaped(user_code ? user_code : "");

	reply_html(reply, 200, page_html("<h1>Let a device in?</h1><form method=post>"
					 "<p><label>Code <input name=user_code value=\"%s\"></label></p>"
					 "<p><label>Log in as <input name=user value=\"alice@example.com\"></label></p>"
					 "<p><button name=decision value=approve>Approve</button>"
					 "<button name=decision value=deny>Deny</button></p></form>", safe));
	free(safe);
}

void page_device(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	const struct param *asked = rq->form ? rq->form : rq->query;
	const char *user_code = param(asked, "user_code");
	const char *decision = param(asked, "decision");
	char *user = sandbox_auto_approve(sb);

	if (!user && text_same(decision, "approve"))
		user = text_copy(param(asked, "user"));
	if (!user_code || (!user && !text_same(decision, "deny"))) {
		rq->note.outcome = "asked";
		ask_device(reply, user_code);
	} else if (grants_decide(sb->grants, user_code, user)) {
		rq->note.outcome = user ? "approved" : "access_denied";
		text_replace(&rq->note.user, user);
		reply_html(reply, 200, page_html("<h1>%s</h1><p>You may close this page.</p>",
						 user ? "Approved" : "Denied"));
	} else {
		rq->note.outcome = "unknown_code";
		reply_html(reply, 404, page_html("<h1>No device waits with that code</h1>"));
	}
	free(user);
}
