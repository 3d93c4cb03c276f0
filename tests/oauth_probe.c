/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * oauth_probe.c: sends one request as the library does and prints what it came to, a line each, for the tests
 * of hostile servers. Arguments are KEY=VALUE; `step` is refresh, exchange, credentials, device or get.
 */
#include <config.h>

#include <dlfcn.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "oauth.h"

static char **arguments;

static char *get(const char *name, const char *otherwise)
{
	size_t n = strlen(name);

	for (char **a = arguments; *a; a++)
		if (!strncmp(*a, name, n) && (*a)[n] == '=')
			return *a + n + 1;
	return (char *)(uintptr_t)otherwise;
}

static int64_t number(const char *name, int64_t otherwise)
{
	const char *text = get(name, NULL);

	return text ? strtoll(text, NULL, 10) : otherwise;
}

#define TEXT(text) ((char[]){ text })
#define GROUP(called, content) { .name = TEXT(called), .type = SETTING_GROUP, .file = TEXT("tokeep.conf"), .line = 7, \
				 .first = content }

/* data_centers = { eu = { accounts = "https://accounts.zoho.eu"; api = "https://www.zohoapis.eu"; }; } */
static struct setting api = { .name = TEXT("api"), .type = SETTING_STRING, .text = TEXT("https://www.zohoapis.eu"),
			      .file = TEXT("tokeep.conf") };
static struct setting accounts = { .name = TEXT("accounts"), .type = SETTING_STRING, .next = &api,
				   .text = TEXT("https://accounts.zoho.eu"), .file = TEXT("tokeep.conf") };
static struct setting eu = GROUP("eu", &accounts);
static struct setting centers = GROUP("data_centers", &eu);
static struct setting group = GROUP("crm", NULL);
static char blank[] = " ";

static enum client_auth auth(void)
{
	static const char *const names[] = { "default", "none", "basic", "post", "private_key_jwt", "client_secret_jwt" };
	const char *wanted = get("auth", "default");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], wanted))
			return (enum client_auth)i;
	abort();
}

static struct client make_client(void)
{
	struct client client = {
		.name = get("name", "crm"),
		.group = &group,
		.dialect = strcmp(get("dialect", "rfc"), "zoho") ? DIALECT_RFC : DIALECT_ZOHO,
		.auth = auth(),
		.token_url = get("url", NULL),
		.client_id = get("client_id", "client"),
		.soid = get("soid", NULL),
		.header = get("header", "Bearer"),
		.scope_separator = blank,
		.key_file = get("key_file", NULL),
		.key_id = get("key_id", NULL),
		.tls_cert_file = get("tls_cert_file", NULL),
		.tls_key_file = get("tls_key_file", NULL),
		.data_centers = &centers,
		.token_life_s = number("token_life", 3600),
		.secret = get("secret", NULL),
		.secret_resolved = true,
	};

	return client;
}

static int64_t monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Of this program alone; getrusage() would count what its parent had before exec. */
static long peak_kib(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	long kib = 0;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "VmHWM:", 6))
			kib = strtol(line + 6, NULL, 10);
	if (file)
		fclose(file);
	return kib;
}

static void print(const char *name, const char *value)
{
	if (value)
		printf("%s: %s\n", name, value);
}

static int ask(struct client *client, const struct oauth_net *net, struct oauth_result *result, struct error *err)
{
	const char *step = get("step", "refresh");
	struct form form = { NULL, 0, 0, false };

	if (!strcmp(step, "refresh"))
		return oauth_refresh(client, net, get("refresh_token", "CANARY-refresh"), get("scope", NULL), result, err);
	if (!strcmp(step, "exchange"))
		return oauth_exchange(client, net, get("code", "CANARY-code"), get("redirect", NULL),
				      get("verifier", NULL), result, err);
	if (!strcmp(step, "credentials"))
		return oauth_client_credentials(client, net, get("scope", NULL), result, err);
	form_add(&form, "device_code", "CANARY-device");
	return oauth_token(client, net, client->token_url, &form, OAUTH_DEVICE, result, err);
}

static void print_result(int r, const struct oauth_result *result, const struct error *err)
{
	printf("result: %d\nsent: %d\nthrottled: %d\n", r, result->sent, result->throttled);
	for (int f = 0; tokeep_field_name(f); f++)
		print(tokeep_field_name(f), tokeep_token_get(&result->token, f));
	print("id_token", result->id_token);
	print("error", result->error);
	print("user_location", result->user_location);
	if (!r)
		return;
	print("message", error_text(err));
	printf("retry_after: %" PRId64 "\n", err->retry_after_s);
}

static int probe_oauth(const struct oauth_net *net)
{
	struct client client = make_client();
	struct oauth_result result;
	struct error err = { 0, NULL, -1 };
	const struct transport *transport;
	int64_t began;
	long before;
	int r;

	if (http_transport(&transport, &err)) {
		print("message", error_text(&err));
		return 1;
	}
	before = peak_kib();
	began = monotonic_ms();
	r = ask(&client, net, &result, &err);
	print_result(r, &result, &err);
	printf("elapsed_ms: %" PRId64 "\ngrown_kib: %ld\n", monotonic_ms() - began, peak_kib() - before);
	oauth_result_free(&result);
	error_clear(&err);
	return 0;
}

/* The body goes to stdout piece by piece. */
static int to_stdout(void *data, const char *bytes, size_t size)
{
	if (get("stop", NULL))
		return TOKEEP_EINVAL;
	printf("piece: %zu\n", size);
	return 0;
}

static char *make_body(size_t size)
{
	char *body = malloc(size + 1);

	if (!body)
		abort();
	memset(body, 'x', size);
	body[size] = '\0';
	return body;
}

static int probe_http(const struct oauth_net *net)
{
	const char *headers[] = { get("header_line", "X-Test: 1"), NULL };
	struct http_request request = {
		.method = get("method", "GET"), .url = get("url", NULL), .headers = headers,
		.body = get("body", NULL), .content_type = get("content_type", NULL),
		.proxy = net->conf->proxy, .ca_file = net->conf->ca_file, .ca_path = net->conf->ca_path,
		.timeout_ms = net->timeout_ms, .connect_timeout_ms = number("connect_timeout", 0),
		.size_max = (size_t)number("size_max", 1 << 20),
		.sink = get("sink", NULL) ? to_stdout : NULL,
	};
	struct http_response response;
	struct error err = { 0, NULL, -1 };
	char *body = NULL;
	int r;

	if (get("body_bytes", NULL))
		request.body = body = make_body((size_t)number("body_bytes", 0));
	request.body_size = request.body ? strlen(request.body) : 0;
	r = http_send(&request, &response, &err);
	free(body);
	printf("result: %d\nsent: %d\nstatus: %ld\nretry_after: %" PRId64 "\n", r, response.sent, response.status,
	       response.retry_after_s);
	print("content_type", response.content_type);
	print("www_authenticate", response.www_authenticate);
	print("location", response.location);
	print("body", response.body);
	if (r)
		print("message", error_text(&err));
	http_response_free(&response);
	error_clear(&err);
	return r;
}

static void *run_thread(void *net)
{
	return probe_http(net) ? net : NULL;
}

static int probe_threads(const struct oauth_net *net, int count)
{
	pthread_t threads[64];
	int failed = 0;

	for (int i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, run_thread, (void *)(uintptr_t)net);
	for (int i = 0; i < count; i++) {
		void *outcome;

		pthread_join(threads[i], &outcome);
		failed += outcome != NULL;
	}
	printf("failed: %d\n", failed);
	return 0;
}

/* A child of fork() sends as well, after its parent has. */
static int probe_fork(const struct oauth_net *net)
{
	int status = 0;
	pid_t pid;

	probe_http(net);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		int r = probe_http(net);

		fflush(stdout);
		_exit(r != 0);
	}
	waitpid(pid, &status, 0);
	printf("child: %d\n", status);
	return 0;
}

/* A host program that has initialised libcurl before us, with the key log that its environment asks for. */
static void be_host(const char *library)
{
	void *object = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
	long (*initialise)(long) = object ? (long (*)(long))dlsym(object, "curl_global_init") : NULL;

	if (!initialise || initialise(3))
		abort();
}

int main(int argc, char **argv)
{
	struct conf conf = { 0 };
	struct oauth_net net = { &conf, 0, 0 };

	arguments = argv + 1;
	conf.proxy = get("proxy", NULL);
	conf.ca_file = get("ca_file", NULL);
	conf.ca_path = get("ca_path", NULL);
	net.timeout_ms = number("timeout", 5000);
	net.now_ms = number("now", 1000000000000);
	if (get("host", NULL))
		be_host(get("host", NULL));
	if (get("threads", NULL))
		return probe_threads(&net, (int)number("threads", 1));
	if (get("fork", NULL))
		return probe_fork(&net);
	if (!strcmp(get("step", ""), "get"))
		return probe_http(&net), 0;
	probe_oauth(&net);
	print("key log", getenv("SSLKEYLOGFILE"));
	return 0;
}
