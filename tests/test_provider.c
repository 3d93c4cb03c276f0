/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_provider.c: a client's endpoints and habits, and which client, at which server, may refresh a record. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "provider.h"
#include "tap.h"

static char folder[64] = "/tmp/tokeep-provider.XXXXXX";
static char path[128];
static const char *installed; /* where the provider files of this build are */
static struct conf conf;
static struct client *client;
static struct error err = {.retry_after_s = -1};

static void write_file(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || fchmod(fd, mode) || close(fd)) {
		perror(name);
		exit(1);
	}
}

static void use(const char *text)
{
	conf_free(&conf);
	error_clear(&err);
	write_file(path, text, 0600);
	if (conf_read(&conf, path, &err)) {
		ok(0, "the configuration is read");
		printf("# %s\n", error_text(&err));
		exit(1);
	}
}

static bool named(const char *name, const char *data_center)
{
	client_free(client);
	client = NULL;
	error_clear(&err);
	if (!client_named(&conf, name, data_center, &client, &err))
		return true;
	printf("# %s\n", error_text(&err));
	return false;
}

static void refused_named(const char *name, const char *why, const char *sentence)
{
	if (named(name, NULL))
		ok(0, "%s (it was found)", sentence);
	else
		has_str(error_text(&err), why, sentence);
}

/* A record of these; NULL: absent. */
static bool for_token(const char *client_id, const char *issuer, const char *api_domain, const char *secret)
{
	struct tokeep_token *token = tokeep_token_new();
	int r;

	tokeep_token_set(token, TOKEEP_FIELD_ID, "7");
	tokeep_token_set(token, TOKEEP_FIELD_CLIENT_ID, client_id);
	tokeep_token_set(token, TOKEEP_FIELD_ISSUER, issuer);
	tokeep_token_set(token, TOKEEP_FIELD_API_DOMAIN, api_domain);
	tokeep_token_set(token, TOKEEP_FIELD_CLIENT_SECRET, secret);
	client_free(client);
	client = NULL;
	error_clear(&err);
	r = client_for_token(&conf, token, &client, &err);
	tokeep_token_free(token);
	ok(!r == (client != NULL) && (!r || r == TOKEEP_ECONFIG), "a client or a refusal");
	return !r;
}

static const char *token_url(void)
{
	return client ? client->token_url : error_text(&err);
}

static void a_client_is_joined_with_its_provider(void)
{
	const char *secret = NULL;

	use("clients = { crm = { provider = \"zoho\"; data_center = \"eu\"; client_id = \"1000.X\"; client_secret = \"hush\";\n"
	    "  scope = \"ZohoCRM.modules.ALL\"; soid = \"ZohoCRM.1\"; save_client_secret = true; login_timeout = 20;\n"
	    "  authorization_params = { prompt = \"login\"; }; api_hosts = [ \"desk.zoho.eu\" ]; key_file = \"~/key.pem\"; }; };");
	if (!ok(named(NULL, NULL), "the only client needs no name")) {
		printf("# %s\n", error_text(&err));
		return;
	}
	is_str(client->name, "crm", "its name");
	is_str(client->provider, "zoho", "its provider");
	is_str(client->token_url, "https://accounts.zoho.eu/oauth/v2/token", "the data centre's token endpoint");
	is_str(client->device_token_url, "https://accounts.zoho.eu/oauth/v3/device/token", "and that for devices");
	is_str(client->accounts, "https://accounts.zoho.eu", "its accounts server");
	is_str(client->api_domain, "https://www.zohoapis.eu", "its API");
	is_str(client->data_center, "eu", "its data centre");
	is_str(client->header, "Zoho-oauthtoken", "the provider's word for headers");
	is_str(client->scope_separator, ",", "and its separator");
	is_int(client->dialect, DIALECT_ZOHO, "and its dialect");
	is_int(client->auth, AUTH_POST, "and how a client says who it is");
	is_str(client->soid, "ZohoCRM.1", "the client's soid");
	is_str(client->key_file, "/home/alice/key.pem", "~/ is the home");
	is_int(client->login_timeout_s, 20, "the client's time-out");
	is_int(client->token_life_s, 3600, "a token lives an hour by default");
	ok(client->save_client_secret, "save_client_secret");
	is_str(setting_member(client->authorization_params[0], "access_type")->text, "offline", "parameters of the provider");
	is_str(setting_member(client->authorization_params[1], "prompt")->text, "login", "and of the client");
	is_str(client->api_hosts->first->text, "desk.zoho.eu", "hosts for the API");
	is_int(client_secret(client, &secret, &err), 0, "the secret is found");
	is_str(secret, "hush", "where it was written");

	ok(named("crm", "jp"), "another data centre may be asked for");
	is_str(token_url(), "https://accounts.zoho.jp/oauth/v2/token", "and is used");
	ok(named("1000.X", NULL), "a client_id is a name, too");
	ok(!named("crm", "mars"), "an unknown data centre is refused");
	has_str(error_text(&err), "mars: the provider has no such data centre; there are: us, eu, in, au, cn, jp, ca, sa, uk, ae, sg",
		"with the choices");
}

static void a_data_center_is_found_by_its_urls(void)
{
	static const char *const cases[][2] = {
		{"https://accounts.zoho.eu", "eu"},
		{"https://accounts.zoho.com", "us"},
		{"https://accounts.zoho.com.au/oauth/v2/token", "au"},
		{"https://accounts.zoho.com.cn", "cn"},
		{"https://accounts.zohocloud.ca", "ca"},
		{"https://www.zohoapis.com", "us"},
		{"https://www.zohoapis.com/crm/v8/users", "us"},
		{"https://www.zohoapis.com.au", "au"},
		{"https://sandbox.zohoapis.in", "in"},
		{"https://developer.zohoapis.jp", "jp"},
		{"https://WWW.ZohoApis.EU", "eu"},
		{"https://sandbox.zohoapis.example", NULL},
		{"https://accounts.zoho.eu.evil.example/", NULL},
		{"https://accounts.zoho.eu@evil.example/", NULL},
		{"http://accounts.zoho.eu", NULL},
		{"https://evil.example/https://accounts.zoho.eu", NULL},
		{"", NULL},
	};

	use("clients = { crm = { provider = \"zoho\"; client_id = \"1000.X\"; }; };");
	named(NULL, NULL);
	is_str(client->data_center, "us", "the provider's default data centre");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_str(client_data_center_of(client, cases[i][0]), cases[i][1], cases[i][0]);
}

static void the_clients_word_wins(void)
{
	use("clients = {\n"
	    " a = { provider = \"google\"; client_id = \"a\"; header = \"Token\"; revocation_url = \"\"; client_auth = \"basic\"; };\n"
	    " b = { provider = \"google\"; client_id = \"b\"; issuer = \"https://op.example\"; };\n"
	    " c = { provider = \"google\"; client_id = \"c\"; token_url = \"http://127.0.0.1:8080/token\"; };\n"
	    " d = { provider = \"gitlab\"; client_id = \"d\"; data_center = \"own\";\n"
	    "       data_centers = { own = { accounts = \"https://git.example.org\"; }; }; };\n"
	    " e = { issuer = \"https://op.example\"; client_id = \"e\"; client_auth = \"none\"; };\n"
	    "};");
	ok(named("a", NULL), "a client with words of its own");
	is_str(client->header, "Token", "the client's header");
	ok(!client->revocation_url, "\"\" takes the provider's away");
	is_int(client->auth, AUTH_BASIC, "the client's client_auth");
	is_str(client->token_url, "https://oauth2.googleapis.com/token", "what it doesn't say is the provider's");
	ok(named("b", NULL), "a client with an issuer of its own");
	ok(!client->token_url && !client->authorization_url, "takes no endpoint of the provider's");
	ok(named("c", NULL), "a client with a token endpoint of its own");
	ok(!client->issuer, "is not of the provider's issuer");
	ok(named("d", NULL), "a data centre of its own");
	is_str(client->token_url, "https://git.example.org/oauth/token", "is where its endpoints are");
	is_str(client->issuer, "https://git.example.org", "and its issuer");
	ok(named("e", NULL), "an issuer alone is a client");
	is_int(client->auth, AUTH_NONE, "a public one");
	is_str(client->header, "Bearer", "Bearer is the default");
	is_str(client->scope_separator, " ", "scopes have a blank between");
}

static void what_is_no_client_is_refused(void)
{
	use("");
	refused_named(NULL, "tokeep.conf: no client is configured; add: clients = { mine = {", "no client at all");
	refused_named("crm", "add: clients = { crm = {", "no client at all, by name");
	use("clients = {\n a = { client_id = \"x\"; };\n b = { issuer = \"https://op.example\"; };\n"
	    " c = { provider = \"nosuch\"; client_id = \"x\"; };\n d = { provider = \"../zoho\"; client_id = \"y\"; };\n"
	    " e = { issuer = \"https://op.example\"; client_id = \"z\"; client_auth = \"private_key_jwt\"; };\n"
	    " f = { issuer = \"https://op.example\"; client_id = \"z\"; tls_key_file = \"/x\"; };\n"
	    " g = { client_id = \"x\"; token_url = \"{accounts}/x\"; };\n"
	    " h = { provider = \"google\"; client_id = \"x\"; data_center = \"eu\"; }; };");
	refused_named(NULL, "several clients and no default_client; say which; there are: a, b, c, d, e, f, g, h", "several and no default");
	refused_named("i", "clients.i: there is no such client; there are: a, b", "a name that isn't there");
	refused_named("x", "several clients have the client_id x", "a client_id that several have");
	refused_named("a", ":2: clients.a: has neither provider nor issuer nor token_url", "a client of nowhere");
	refused_named("b", ":3: clients.b: client_id: is missing", "a client without an id");
	refused_named("c", ":4: clients.c.provider: nosuch: there is no such provider", "a provider that isn't there");
	has_str(error_text(&err), "providers/nosuch.conf); run: tokeep providers", "with the file that was looked for");
	refused_named("d", ":5: clients.d.provider: ../zoho: there is no such provider", "a provider's name is no path");
	refused_named("e", ":6: clients.e: key_file: is missing", "a signature without a key");
	refused_named("f", ":7: clients.f: tls_cert_file and tls_key_file go together", "a key without its certificate");
	refused_named("g", ":8: clients.g: data_center: is missing, and needed for token_url", "a template without a data centre");
	refused_named("h", ":9: clients.h.data_center: eu: the provider has no data centres", "a data centre of a provider without");
}

static void a_record_goes_to_the_server_that_issued_it(void)
{
	use("clients = {\n"
	    " crm = { provider = \"zoho\"; data_center = \"eu\"; client_id = \"1000.X\"; };\n"
	    " one = { token_url = \"https://one.example/token\"; client_id = \"shared\"; };\n"
	    " two = { issuer = \"https://two.example\"; client_id = \"shared\"; };\n"
	    " raw = { token_url = \"https://raw.example/token\"; client_id = \"raw\"; }; };");
	ok(for_token("1000.X", NULL, NULL, NULL), "the only client with its client_id");
	is_str(token_url(), "https://accounts.zoho.eu/oauth/v2/token", "at the client's own server");
	for_token("1000.X", "https://accounts.zoho.eu/oauth/v2/token", "https://www.zohoapis.eu", NULL);
	is_str(token_url(), "https://accounts.zoho.eu/oauth/v2/token", "the issuer's own client");
	for_token("1000.X", "https://accounts.zoho.jp/oauth/v2/token", NULL, NULL);
	is_str(token_url(), "https://accounts.zoho.jp/oauth/v2/token", "issued in another data centre: there");
	for_token("1000.X", NULL, "https://www.zohoapis.com.cn", NULL);
	is_str(token_url(), "https://accounts.zoho.com.cn/oauth/v2/token", "an api_domain of another data centre: there");
	is_str(client ? client->name : NULL, "crm", "as the same client");
	for_token("1000.X", NULL, "https://sandbox.zohoapis.in", NULL);
	is_str(token_url(), "https://accounts.zoho.in/oauth/v2/token", "a sandbox's, too");
	for_token("1000.X", "https://accounts.zoho.jp/oauth/v2/token", "https://www.zohoapis.eu", NULL);
	is_str(token_url(), "https://accounts.zoho.jp/oauth/v2/token", "the issuer counts more than the api_domain");
	for_token("1000.X", NULL, "https://evil.example", NULL);
	is_str(token_url(), "https://accounts.zoho.eu/oauth/v2/token", "an unknown api_domain names no server");
	ok(!for_token("1000.X", "https://evil.example/token", NULL, NULL), "a foreign issuer is refused");
	has_str(error_text(&err), ":2: clients.crm: has the client_id of this token, but the token was issued by https://evil.example/token",
		"with the client and the issuer");
	has_str(error_text(&err), "clients = { NAME = { token_url = \"https://evil.example/token\"; client_id = \"1000.X\";", "and the group to add");
	ok(!for_token("1000.X", "https://accounts.zoho.eu/other/token", NULL, NULL), "so is another endpoint of the same server");
	ok(!for_token("1000.X", "https://evil.example/token", "https://www.zohoapis.eu", "hush"), "and a foreign issuer's record with its own secret");

	ok(!for_token("raw", "https://accounts.zoho.eu/oauth/v2/token", NULL, "hush"),
	   "and a record whose client_id is another server's, though it has its own secret");

	for_token("shared", "https://one.example/token", NULL, NULL);
	is_str(client ? client->name : NULL, "one", "one client_id at two servers: the issuer tells");
	for_token("shared", "https://two.example", NULL, NULL);
	is_str(client ? client->name : NULL, "two", "for the other, too");
	ok(!for_token("shared", NULL, NULL, NULL), "without an issuer nobody can tell");
	has_str(error_text(&err), ":4: clients.two: has the client_id of clients.one at another server, and the record does not say which issued it",
		"and both are named");
	ok(!for_token(NULL, "https://raw.example/token", NULL, NULL), "a record without a client_id is nobody's");
	has_str(error_text(&err), "token 7 has no client_id", "which is told");
}

static void of_two_clients_at_one_server_either_will_do(void)
{
	use("clients = { a = { issuer = \"https://op.example\"; client_id = \"x\"; scope = \"a\"; };\n"
	    " b = { issuer = \"https://op.example\"; client_id = \"x\"; scope = \"b\"; }; };");
	for_token("x", NULL, NULL, NULL);
	is_str(client ? client->name : NULL, "a", "the first");
	use("clients = { a = { issuer = \"https://op.example\"; client_id = \"x\"; scope = \"a\"; };\n"
	    " b = { issuer = \"https://op.example\"; client_id = \"x\"; scope = \"b\"; }; };\ndefault_client = \"b\";");
	for_token("x", NULL, NULL, NULL);
	is_str(client ? client->name : NULL, "b", "or the default");
	use("clients = { eu = { provider = \"zoho\"; data_center = \"eu\"; client_id = \"x\"; };\n"
	    " us = { provider = \"zoho\"; data_center = \"us\"; client_id = \"x\"; }; };");
	for_token("x", NULL, "https://www.zohoapis.com", NULL);
	is_str(client ? client->name : NULL, "us", "of two data centres the one that the api_domain belongs to");
	for_token("x", NULL, "https://www.zohoapis.eu", NULL);
	is_str(client ? client->name : NULL, "eu", "for the other, too");
	ok(!for_token("x", NULL, NULL, NULL), "and nobody can tell without");
}

static void a_record_of_an_sdk_needs_no_client(void)
{
	const char *secret = NULL;

	use("");
	ok(for_token("1000.SDK", NULL, "https://www.zohoapis.in", "hush"), "with its own client_id and client_secret");
	is_str(token_url(), "https://accounts.zoho.in/oauth/v2/token", "at the accounts server of its api_domain");
	if (client) {
		is_str(client->client_id, "1000.SDK", "with its client_id");
		is_int(client_secret(client, &secret, &err), 0, "and its secret");
		is_str(secret, "hush", "as it stands there");
		is_int(client->dialect, DIALECT_ZOHO, "in Zoho's dialect");
		ok(!client->name, "and no name");
	}
	for_token("1000.SDK", NULL, "https://developer.zohoapis.com.au", "hush");
	is_str(token_url(), "https://accounts.zoho.com.au/oauth/v2/token", "developer. is the same data centre");
	for_token("1000.SDK", "https://accounts.zoho.eu/oauth/v2/token", "https://www.zohoapis.com", "hush");
	is_str(token_url(), "https://accounts.zoho.eu/oauth/v2/token", "an issuer counts more");
	ok(!for_token("1000.SDK", "https://accounts.zoho.eu/other", NULL, "hush"), "an unknown endpoint is refused");
	ok(!for_token("1000.SDK", NULL, "https://www.zohoapis.eu", NULL), "without a secret it is refused");
	has_str(error_text(&err), "tokeep.conf: no client has the client_id of this token, 1000.SDK; add to /", "saying what is missing");
	has_str(error_text(&err), "clients = { NAME = { provider = \"zoho\"; data_center = \"eu\"; client_id = \"1000.SDK\"; client_secret_file = ",
		"and the group to add, with its data centre");
	ok(!for_token("1000.SDK", NULL, "https://evil.example", "hush"), "an unknown api_domain is refused");
	ok(!strstr(error_text(&err), "hush"), "without the secret");
	ok(!for_token("1000.SDK", NULL, NULL, "hush"), "so is one without an api_domain");
	use("providers = { mine = { dialect = \"zoho\"; token_url = \"{accounts}/t\";\n"
	    " data_centers = { lo = { accounts = \"http://127.0.0.1:9\"; api = \"http://127.0.0.1:8\"; }; }; }; };");
	for_token("1000.SDK", NULL, "http://127.0.0.1:8", "hush");
	is_str(token_url(), "http://127.0.0.1:9/t", "a provider of the configuration in that dialect will do");
}

static void one_issuer_has_one_token_endpoint(void)
{
	use("clients = {\n a = { issuer = \"https://op.example\"; token_url = \"https://op.example/t\"; client_id = \"a\"; };\n"
	    " b = { issuer = \"https://op.example\"; token_url = \"https://evil.example/t\"; client_id = \"b\"; };\n"
	    " c = { issuer = \"https://op.example\"; token_url = \"https://op.example/t\"; client_id = \"c\"; }; };");
	refused_named("a", ":3: clients.b: has the issuer of clients.a, https://op.example, but another token_url: https://evil.example/t, not https://op.example/t",
		      "another endpoint for the same issuer is refused");
	ok(!for_token("a", NULL, NULL, NULL), "for a record, too");
	use("clients = {\n a = { issuer = \"https://op.example\"; token_url = \"https://op.example/t\"; client_id = \"a\"; };\n"
	    " c = { issuer = \"https://op.example\"; token_url = \"https://op.example/t\"; client_id = \"c\"; }; };");
	ok(named("a", NULL), "two clients of one server are fine");
}

static int collect(void *data, const struct tokeep_provider_info *info)
{
	char *all = data;
	size_t n = strlen(all);

	snprintf(all + n, 4096 - n, "%s|%s|%s|%s|%s\n", info->name, info->dialect ? info->dialect : "-",
		 info->issuer ? info->issuer : "-", info->data_centers ? info->data_centers : "-",
		 info->error ? info->error : "-");
	return 0;
}

static void adding_a_provider_is_adding_a_file(void)
{
	char file[192], all[4096] = "";

	snprintf(file, sizeof(file), "%s/providers", folder);
	mkdir(file, 0755);
	setenv("TOKEEP_DATADIR", folder, 1);
	snprintf(file, sizeof(file), "%s/providers/mine.conf", folder);
	write_file(file, "mine = { issuer = \"https://mine.example\"; };", 0644);
	use("clients = { m = { provider = \"mine\"; client_id = \"x\"; }; };");
	ok(named("m", NULL), "a file is a provider");
	is_str(client ? client->issuer : NULL, "https://mine.example", "with what it says");
	use("clients = { m = { provider = \"mine\"; client_id = \"x\"; }; };\nproviders = { mine = { issuer = \"https://own.example\"; }; };");
	named("m", NULL);
	is_str(client ? client->issuer : NULL, "https://own.example", "the configuration's wins");
	use("clients = { m = { provider = \"mine\"; client_id = \"x\"; }; };");
	chmod(file, 0666);
	refused_named("m", "providers/mine.conf: everybody may write it", "a file that others may write is refused");
	write_file(file, "other = { issuer = \"https://mine.example\"; };", 0644);
	refused_named("m", "providers/mine.conf:1: other: a provider's file has one group, here mine = {", "its group has its name");
	write_file(file, "mine = {\n issue = \"https://mine.example\"; };", 0644);
	refused_named("m", "providers/mine.conf:2: mine.issue: unknown key; is issuer meant?", "its keys are looked at");
	write_file(file, "mine = {\n client_secret = \"hush\"; };", 0600);
	refused_named("m", "providers/mine.conf:2: mine.client_secret: unknown key", "it holds no secret");
	write_file(file, "mine = { data_centers = { eu = { api = \"https://x.example\"; }; }; };", 0644);
	refused_named("m", "mine.data_centers.eu: has no accounts", "a data centre has an accounts server");
	write_file(file, "", 0644);
	refused_named("m", "providers/mine.conf: wants a group mine", "it is not empty");
	use("providers = { own = { issuer = \"https://own.example\"; };\n"
	    " many = { issuer = \"{accounts}/x\"; default_data_center = \"b\";\n"
	    "  data_centers = { a = { accounts = \"https://a.example\"; }; b = { accounts = \"https://b.example\"; }; }; }; };");
	is_int(provider_list(&conf, collect, all, &err), 0, "all are listed");
	has_str(all, "own|rfc|https://own.example|-|-\n", "the configuration's");
	has_str(all, "many|rfc|https://b.example/x|a b|-\n", "with the data centres, and the issuer of the default one");
	has_str(all, "mine|-|-|-|", "and a broken file");
	has_str(all, "wants a group mine", "with what is wrong");
	unlink(file);
	*strrchr(file, '/') = '\0';
	rmdir(file);
	ok(provider_list(&conf, collect, all, &err) == TOKEEP_ECONFIG, "a folder that isn't there is told");
	if (installed)
		setenv("TOKEEP_DATADIR", installed, 1);
	else
		unsetenv("TOKEEP_DATADIR");
}

/* The example beside the installed files, copied as it says. */
static void the_example_works_when_copied(void)
{
	char from[256], name[256], text[8192];
	size_t size;
	FILE *file;

	snprintf(from, sizeof(from), "%s/providers/example.conf.in", installed ? installed : "");
	file = fopen(from, "r");
	if (!file) {
		skip("the example works when copied", "run by hand without TOKEEP_DATADIR");
		return;
	}
	size = fread(text, 1, sizeof(text) - 1, file);
	text[size] = '\0';
	fclose(file);
	snprintf(name, sizeof(name), "%s/providers", folder);
	mkdir(name, 0755);
	setenv("TOKEEP_DATADIR", folder, 1);
	snprintf(name, sizeof(name), "%s/providers/example.conf", folder);
	write_file(name, text, 0644);
	use("clients = { m = { provider = \"example\"; client_id = \"x\"; }; };");
	ok(named("m", NULL), "the example works when copied");
	unlink(name);
	*strrchr(name, '/') = '\0';
	rmdir(name);
	setenv("TOKEEP_DATADIR", installed, 1);
}

/* With a client each, so that every template is filled in. */
static int try_installed(void *data, const struct tokeep_provider_info *info)
{
	char text[256], centers[256], *center;

	*(int *)data += 1;
	if (!is_str(info->error, NULL, info->name))
		return 0;
	snprintf(text, sizeof(text), "clients = { c = { provider = \"%s\"; client_id = \"x\"; }; };", info->name);
	snprintf(centers, sizeof(centers), "%s", info->data_centers ? info->data_centers : "");
	use(text);
	ok(named("c", NULL), "%s: a client of it", info->name);
	for (center = strtok(centers, " "); center; center = strtok(NULL, " "))
		ok(named("c", center) && client->token_url, "%s: %s", info->name, center);
	return 0;
}

static void every_installed_provider_is_sound(void)
{
	struct conf none = {0};
	int count = 0;

	error_clear(&err);
	is_int(provider_list(&none, try_installed, &count, &err), 0, "the installed providers are listed");
	ok(count >= 6, "there are %d", count);
}

int main(void)
{
	umask(022);
	setvbuf(stdout, NULL, _IOLBF, 0); /* what was found stays visible after a crash */
	if (!mkdtemp(folder)) {
		perror(folder);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/tokeep.conf", folder);
	setenv("HOME", "/home/alice", 1);
	unsetenv("XDG_STATE_HOME");
	installed = getenv("TOKEEP_DATADIR");

	a_client_is_joined_with_its_provider();
	a_data_center_is_found_by_its_urls();
	the_clients_word_wins();
	what_is_no_client_is_refused();
	a_record_goes_to_the_server_that_issued_it();
	of_two_clients_at_one_server_either_will_do();
	a_record_of_an_sdk_needs_no_client();
	one_issuer_has_one_token_endpoint();
	adding_a_provider_is_adding_a_file();
	every_installed_provider_is_sound();
	the_example_works_when_copied();

	client_free(client);
	conf_free(&conf);
	error_clear(&err);
	unlink(path);
	if (rmdir(folder))
		perror(folder);
	return done();
}
