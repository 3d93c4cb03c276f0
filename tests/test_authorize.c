/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_authorize.c: authorization requests, redirect URLs, and the page at the end. */
#include <stdlib.h>
#include <string.h>

#include "authorize.h"
#include "page.h"
#include "redirect.h"
#include "tap.h"

#define RUNS 1000
#define URL_SAFE "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

static struct error err = { .retry_after_s = -1 };
static const struct flow flow = { .err = &err };

static struct client client_of(const char *url, const char *scope, const char *separator)
{
	return (struct client){ .name = (char *)"crm", .client_id = (char *)"1000.X&Y", .authorization_url = (char *)url,
				.scope = (char *)scope, .scope_separator = (char *)separator };
}

static int in_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void states_and_verifiers(void)
{
	struct client client = client_of("https://op.example/authorize", "a", " ");
	char *seen[2 * RUNS];
	int r = 0, odd = 0, twice = 0;

	for (int i = 0; !r && i < RUNS; i++) {
		struct authorization a;

		r = authorization_new(&flow, &client, NULL, "http://127.0.0.1:1/callback", &a);
		if (r)
			break;
		odd += strlen(a.state) != 43 || strspn(a.state, URL_SAFE) != 43;
		odd += strlen(a.code_verifier) != 43 || strspn(a.code_verifier, URL_SAFE) != 43;
		odd += strstr(a.url, a.code_verifier) != NULL;
		seen[2 * i] = strdup(a.state);
		seen[2 * i + 1] = strdup(a.code_verifier);
		authorization_free(&a);
	}
	if (!is_int(r, 0, "a thousand requests can be made"))
		return;
	is_int(odd, 0, "each state and verifier has 43 characters of base64url, and no verifier is in the URL");
	qsort(seen, 2 * RUNS, sizeof(*seen), in_order);
	for (int i = 1; i < 2 * RUNS; i++)
		twice += !strcmp(seen[i - 1], seen[i]);
	is_int(twice, 0, "no two are alike");
	for (int i = 0; i < 2 * RUNS; i++)
		free(seen[i]);
}

static void rfc_vector(void)
{
	const struct transport *transport;
	char *challenge = NULL;

	if (!is_int(http_transport(&transport, &err), 0, "the transport loads"))
		return;
	transport->challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", &challenge, &err);
	is_str(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "S256 gives the challenge of RFC 7636, appendix B");
	free(challenge);
}

static void url_has(const struct client *client, const char *scope, const char *part, const char *sentence)
{
	struct authorization a = { .url = NULL };

	error_clear(&err);
	authorization_new(&flow, client, scope, "http://127.0.0.1:8765/callback?x=1", &a);
	if (!has_str(a.url, part, sentence) && err.result)
		printf("#   %s\n", error_text(&err));
	authorization_free(&a);
}

static void urls(void)
{
	struct client client = client_of("https://op.example/authorize", "a b&c=d", " ");

	url_has(&client, NULL, "https://op.example/authorize?response_type=code&", "the code is asked for");
	url_has(&client, NULL, "&client_id=1000.X%26Y&", "the client id is form-encoded");
	url_has(&client, NULL, "&redirect_uri=http%3A%2F%2F127.0.0.1%3A8765%2Fcallback%3Fx%3D1&", "so is the redirect URL");
	url_has(&client, NULL, "&scope=a+b%26c%3Dd&", "and a scope arrives as it is");
	url_has(&client, "z", "&scope=z&", "the caller's scope wins");
	url_has(&client, NULL, "&code_challenge_method=S256", "the challenge is S256");
	client = client_of("https://op.example/authorize?tenant=1", " a, b,,c ", ",");
	url_has(&client, NULL, "?tenant=1&response_type=code", "a query of the endpoint is kept");
	url_has(&client, NULL, "&scope=a%2Cb%2Cc&", "scopes are joined as the provider wants them");
	client = client_of("https://op.example/authorize", " a,b  c", " ");
	url_has(&client, NULL, "&scope=a%2Cb+c&", "a comma is part of a scope where blanks part them");
}

static void refusals(void)
{
	static struct setting state = { .name = (char *)"state", .text = (char *)"x", .type = SETTING_STRING,
					.file = (char *)"tokeep.conf", .line = 7 };
	static const struct setting params = { .name = (char *)"authorization_params", .first = &state };
	struct client client = client_of(NULL, "a", " ");
	struct authorization a;

	is_int(authorization_new(&flow, &client, NULL, "http://127.0.0.1:1/", &a), TOKEEP_ECONFIG,
	       "without an authorization_url there is no login in the browser");
	client = client_of("https://op.example/authorize", "a", " ");
	client.issuer = (char *)"https://op.example";
	client.pkce_lacking = true;
	is_int(authorization_new(&flow, &client, NULL, "http://127.0.0.1:1/", &a), TOKEEP_ECONFIG,
	       "nor with a server whose metadata lack S256");
	client.pkce_lacking = false;
	client.authorization_params[1] = &params;
	is_int(authorization_new(&flow, &client, NULL, "http://127.0.0.1:1/", &a), TOKEEP_ECONFIG,
	       "a configuration can't set state");
	has_str(error_text(&err), "state is part of every login", "and is told so");
}

static void checks(void)
{
	static const struct {
		const char *state, *iss;
		bool announced;
		int result;
		const char *sentence;
	} cases[] = {
		{ "right", "https://op.example", true, 0, "the right state and iss" },
		{ "right", NULL, false, 0, "no iss where none was announced" },
		{ "right", NULL, true, TOKEEP_EINVAL, "no iss where one was announced is refused" },
		{ "right", "https://op.example/", true, TOKEEP_EINVAL, "iss is compared to the letter" },
		{ "right", "https://other.example", false, TOKEEP_EINVAL, "another iss is refused, announced or not" },
		{ "righ", "https://op.example", true, TOKEEP_EINVAL, "a shorter state is refused" },
		{ "right2", "https://op.example", true, TOKEEP_EINVAL, "a longer one, too" },
		{ "", "https://op.example", true, TOKEEP_EINVAL, "an empty one, too" },
		{ NULL, "https://op.example", true, TOKEEP_EINVAL, "none, too" },
	};
	struct authorization a = { .state = (char *)"right" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct client client = { .name = (char *)"crm", .issuer = (char *)"https://op.example",
					 .iss_announced = cases[i].announced };
		struct callback callback = { .code = (char *)"c", .state = (char *)cases[i].state,
					     .iss = (char *)cases[i].iss };

		is_int(authorization_check(&a, &client, &callback, &err), cases[i].result, cases[i].sentence);
	}
}

static void redirects(void)
{
	static const struct {
		const char *url, *host;
		int port;
		const char *path, *with_port;
	} cases[] = {
		{ "http://127.0.0.1:8765/callback", "127.0.0.1", 8765, "/callback", "http://127.0.0.1:99/callback" },
		{ "http://127.0.0.1/a/b?c=d", "127.0.0.1", 0, "/a/b", "http://127.0.0.1:99/a/b?c=d" },
		{ "http://[::1]:80/", "[::1]", 80, "/", "http://[::1]:99/" },
		{ "http://localhost", "localhost", 0, "/", "http://localhost:99" },
		{ "http://LocalHost:8765", "localhost", 8765, "/", "http://LocalHost:99" },
		{ "https://127.0.0.1:8765/callback", NULL, 0, NULL, NULL },
		{ "https://app.example/callback", NULL, 0, NULL, NULL },
		{ "http://127.0.0.1.example/callback", NULL, 0, NULL, NULL },
		{ "http://localhost.example:80/", NULL, 0, NULL, NULL },
		{ "http://127.0.0.1:70000/", NULL, 0, NULL, NULL },
		{ "http://127.0.0.1:/", NULL, 0, NULL, NULL },
		{ "urn:ietf:wg:oauth:2.0:oob", NULL, 0, NULL, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct redirect redirect;
		char *path, *url;
		bool here = redirect_read(cases[i].url, &redirect);

		if (!here || !cases[i].host) {
			ok(here == (cases[i].host != NULL), "%s leads elsewhere", cases[i].url);
			continue;
		}
		path = redirect_path(&redirect);
		url = redirect_with_port(&redirect, 99);
		ok(!strcmp(redirect.host, cases[i].host) && redirect.port == cases[i].port && !strcmp(path, cases[i].path) &&
		   !strcmp(url, cases[i].with_port), "%s leads here: %s %d %s %s", cases[i].url, redirect.host,
		   redirect.port, path, url);
		free(path);
		free(url);
	}
}

static void pages(void)
{
	struct page first, second;

	page_make(&first, PAGE_SUCCESS, "<script>alert(1)</script>&\"", NULL, NULL);
	page_make(&second, PAGE_FAILURE, NULL, "detail", "next");
	has_str(first.html, "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#34;", "a name can't bring a script into the page");
	ok(!strstr(first.html, "<script"), "and the page has none of its own");
	ok(!strstr(first.html, "http://") && !strstr(first.html, "https://"), "nor anything from elsewhere");
	has_str(first.policy, "default-src 'none'; style-src 'nonce-", "its policy lets in its own style alone");
	ok(strcmp(first.policy, second.policy) != 0, "by a word that is another one in each page");
	page_free(&first);
	page_free(&second);
}

int main(void)
{
	states_and_verifiers();
	rfc_vector();
	urls();
	refusals();
	checks();
	redirects();
	pages();
	error_clear(&err);
	return done();
}
