/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * transport.c: one HTTP exchange with libcurl, in a shared object of its own.
 *
 * What must stay true: certificates and names are always verified; nothing but https leaves the host; redirects are
 * not followed; no request is sent twice; no .netrc, cookie, key log or proxy of a loopback address; and no
 * environment variable counts in a setuid program.
 */
#include <config.h>

#include "transport.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "assertion.h"
#include "secret.h"
#include "transport_env.h"

#define HEADERS_MAX (256u * 1024)
#define RETRY_AFTER_MAX_S 86400
#define LATE_READS 100 /* of what lies there when the time is up */

/* One exchange under way. */
struct exchange {
	const struct http_request *request;
	struct http_response *response;
	CURL *curl;
	struct curl_slist *headers;
	size_t room;         /* of response->body */
	size_t received;     /* of the body, also where a sink takes it */
	size_t header_bytes;
	int origin_size;     /* of request->url */
	int stopped;         /* by us: TOKEEP_EREPLY, TOKEEP_ENOMEM, or what the sink returned */
	const char *ca_file, *ca_path;
	char words[CURL_ERROR_SIZE];
};

static CURLcode global_result;

static void global_init(void)
{
	char *hidden = env_hide_key_log();

	curl_global_sslset(CURLSSLBACKEND_OPENSSL, NULL, NULL); /* where there is a choice */
	global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
	env_show_key_log(hidden);
}

/* A host program may have initialised libcurl itself, key log and all. */
static CURLcode drop_key_log(CURL *curl, void *context, void *data)
{
	SSL_CTX_set_keylog_callback(context, NULL);
	return CURLE_OK;
}

/* Called when the connection stands, TLS included, and before the first byte of the request. */
static int about_to_send(void *data, char *peer, char *local, int peer_port, int local_port)
{
	struct exchange *x = data;

	x->response->sent = true;
	return CURL_PREREQFUNC_OK;
}

/*
 * The answer.
 */

static int fail(struct exchange *x, int result)
{
	x->stopped = result;
	return 0; /* which libcurl takes for a refusal of any piece that isn't empty */
}

/* Never realloc(), which would leave a copy of a token behind. */
static bool make_room(struct exchange *x, size_t size)
{
	size_t room = x->room ? x->room : 4096;
	char *body;

	while (room < size + 1)
		room *= 2;
	if (room == x->room)
		return true;
	body = malloc(room);
	if (!body)
		return false;
	if (x->response->body)
		memcpy(body, x->response->body, x->response->size);
	secret_free_size(x->response->body, x->response->size);
	x->response->body = body;
	x->room = room;
	return true;
}

static size_t take_body(char *bytes, size_t one, size_t size, void *data)
{
	struct exchange *x = data;
	struct http_response *response = x->response;

	if (size > x->request->size_max - x->received)
		return (size_t)fail(x, TOKEEP_EREPLY);
	x->received += size;
	if (x->request->sink) {
		x->stopped = x->request->sink(x->request->sink_data, bytes, size);
		return x->stopped ? (size_t)fail(x, x->stopped) : size;
	}
	if (!make_room(x, response->size + size))
		return (size_t)fail(x, TOKEEP_ENOMEM);
	memcpy(response->body + response->size, bytes, size);
	response->size += size;
	return size;
}

static int64_t retry_after(const char *text)
{
	int64_t seconds = 0;
	time_t when;

	if (text[strspn(text, "0123456789")] == '\0') {
		for (; *text && seconds < RETRY_AFTER_MAX_S; text++)
			seconds = seconds * 10 + (*text - '0');
	} else {
		when = curl_getdate(text, NULL);
		if (when == -1)
			return -1;
		seconds = (int64_t)when - (int64_t)time(NULL);
	}
	if (seconds < 0)
		return 0;
	return seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S;
}

static void take_media_type(char *text)
{
	text[strcspn(text, "; \t")] = '\0';
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

/* The value of a header line if that is its name; the caller frees it. */
static bool header_value(const char *line, size_t size, const char *name, char **value)
{
	size_t n = strlen(name);

	if (size <= n || line[n] != ':' || strncasecmp(line, name, n))
		return false;
	for (line += n + 1, size -= n + 1; size && (*line == ' ' || *line == '\t'); line++)
		size--;
	while (size && strchr(" \t\r\n", line[size - 1]))
		size--;
	*value = strndup(line, size);
	return true;
}

static void keep(char **place, char *value)
{
	free(*place);
	*place = value;
}

/* Several are as good as one with commas between (RFC 9110, 11.6.1). */
static void add_challenge(struct http_response *response, char *value)
{
	char *all = NULL;

	if (!response->www_authenticate) {
		response->www_authenticate = value;
		return;
	}
	if (value && asprintf(&all, "%s, %s", response->www_authenticate, value) >= 0)
		keep(&response->www_authenticate, all);
	free(value);
}

/* Another answer begins: what an interim one (103) said doesn't count. */
static void forget_headers(struct http_response *response)
{
	keep(&response->content_type, NULL);
	keep(&response->www_authenticate, NULL);
	keep(&response->location, NULL);
	response->retry_after_s = -1;
	response->status = 0;
}

static size_t take_header(char *line, size_t one, size_t size, void *data)
{
	struct exchange *x = data;
	struct http_response *response = x->response;
	char *value = NULL;

	x->header_bytes += size;
	if (x->header_bytes > HEADERS_MAX)
		return (size_t)fail(x, TOKEEP_EREPLY);
	if (size > 5 && !strncmp(line, "HTTP/", 5)) {
		forget_headers(response);
		curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &response->status);
	} else if (header_value(line, size, "content-type", &value)) {
		if (value)
			take_media_type(value);
		keep(&response->content_type, value);
	} else if (header_value(line, size, "www-authenticate", &value)) {
		add_challenge(response, value);
	} else if (header_value(line, size, "location", &value)) {
		keep(&response->location, value);
	} else if (header_value(line, size, "retry-after", &value)) {
		response->retry_after_s = value ? retry_after(value) : -1;
		free(value);
	}
	return size;
}

/*
 * The request.
 */

/* Always given, so that libcurl looks at no variable itself: not at http_proxy either, which a CGI client can set. */
static void set_proxy(CURL *curl, const struct http_request *request)
{
	const char *proxy = request->proxy, *none = NULL;

	if (!proxy)
		env_proxy(&proxy, &none);
	if (http_url_loopback(request->url))
		proxy = NULL;
	curl_easy_setopt(curl, CURLOPT_PROXY, proxy ? proxy : "");
	curl_easy_setopt(curl, CURLOPT_NOPROXY, none ? none : "");
	curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

static void choose_ca(struct exchange *x)
{
	x->ca_file = x->request->ca_file;
	x->ca_path = x->request->ca_path;
	if (!x->ca_file && !x->ca_path)
		env_ca(&x->ca_file, &x->ca_path);
}

static int readable(const struct exchange *x, const char *path, const char *what, struct error *err)
{
	if (!path || !access(path, R_OK))
		return 0;
	return error_set(err, TOKEEP_ECONFIG, "%s: %s can't be read, so %.*s was not asked: %s", path, what,
			 x->origin_size, x->request->url, strerror(errno));
}

static int set_tls(struct exchange *x, struct error *err)
{
	const struct http_request *request = x->request;
	const char *key = request->tls_key_file ? request->tls_key_file : request->tls_cert_file;
	CURL *curl = x->curl;
	int r;

	choose_ca(x);
	r = readable(x, x->ca_file, "the file of trusted certificates", err);
	r = r ? r : readable(x, x->ca_path, "the folder of trusted certificates", err);
	r = r ? r : readable(x, request->tls_cert_file, "the client's certificate", err);
	r = r ? r : readable(x, key, "the key of the client's certificate", err);
	if (r)
		return r;
	if (x->ca_file || x->ca_path) { /* else as libcurl was built */
		curl_easy_setopt(curl, CURLOPT_CAINFO, x->ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, x->ca_path);
		curl_easy_setopt(curl, CURLOPT_PROXY_CAINFO, x->ca_file);
		curl_easy_setopt(curl, CURLOPT_PROXY_CAPATH, x->ca_path);
	}
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (request->tls_cert_file) {
		curl_easy_setopt(curl, CURLOPT_SSLCERT, request->tls_cert_file);
		curl_easy_setopt(curl, CURLOPT_SSLKEY, key);
		curl_easy_setopt(curl, CURLOPT_KEYPASSWD, ""); /* never asked for on a terminal */
	}
	if (curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, drop_key_log) && env_has_key_log())
		return error_set(err, TOKEEP_ECONFIG,
				 "SSLKEYLOGFILE: would have the secrets of this connection written to a file, and this "
				 "libcurl (%s) can't be kept from it; run: unset SSLKEYLOGFILE", curl_version());
	return 0;
}

static int add_header(struct exchange *x, const char *line, struct error *err)
{
	struct curl_slist *longer;

	if (line[strcspn(line, "\r\n")])
		return error_set(err, TOKEEP_EINVAL, "header %.*s: a line break is in it",
				 (int)strcspn(line, ":\r\n"), line);
	longer = curl_slist_append(x->headers, line);
	if (!longer)
		return error_nomem(err);
	x->headers = longer;
	return 0;
}

static int set_headers(struct exchange *x, struct error *err)
{
	const struct http_request *request = x->request;
	bool typed = false;
	char *type = NULL;
	int r = 0;

	for (const char *const *h = request->headers; h && *h && !r; h++) {
		typed |= !strncasecmp(*h, "Content-Type:", 13);
		r = add_header(x, *h, err);
	}
	if (!r && !typed) { /* without a value: libcurl sends none of its own */
		if (asprintf(&type, "Content-Type: %s", request->content_type ? request->content_type : "") < 0)
			return error_nomem(err);
		type[strcspn(type, "\r\n")] = '\0';
		if (!request->content_type)
			type[strlen("Content-Type:")] = '\0';
		r = add_header(x, type, err);
		free(type);
	}
	r = r ? r : add_header(x, "Expect:", err);
	curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, x->headers);
	return r;
}

static int set_method(struct exchange *x, struct error *err)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const struct http_request *request = x->request;
	const char *method = request->method;

	if (!*method || method[strspn(method, letters)])
		return error_set(err, TOKEEP_EINVAL, "%s: no HTTP method, which has capital letters only", method);
	if (!strcmp(method, "HEAD")) {
		curl_easy_setopt(x->curl, CURLOPT_NOBODY, 1L);
		return 0;
	}
	if (request->body || !strcmp(method, "POST")) {
		curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, request->body ? request->body : "");
		curl_easy_setopt(x->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
	}
	curl_easy_setopt(x->curl, CURLOPT_CUSTOMREQUEST, method);
	return 0;
}

static void set_protocols(CURL *curl, const char *url)
{
	bool http = http_url_loopback(url);

#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, http ? "http,https" : "https");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTPS | (http ? CURLPROTO_HTTP : 0)));
#endif
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	/* HTTP/2 may send a refused request again by itself; a refresh token is presented once. */
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
}

static void set_times(CURL *curl, const struct http_request *request)
{
	int64_t connect_ms = request->connect_timeout_ms;

	if (connect_ms <= 0 || connect_ms > request->timeout_ms)
		connect_ms = request->timeout_ms;
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L); /* not waiting for a name server past the time-out */
#endif
}

static void set_receivers(struct exchange *x)
{
	CURL *curl = x->curl;

	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, about_to_send);
	curl_easy_setopt(curl, CURLOPT_PREREQDATA, x);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, x->words);
}

static int prepare(struct exchange *x, struct error *err)
{
	const struct http_request *request = x->request;
	int r;

	curl_easy_setopt(x->curl, CURLOPT_URL, request->url);
	curl_easy_setopt(x->curl, CURLOPT_USERAGENT, "tokeep/" PACKAGE_VERSION);
	if (request->user) {
		curl_easy_setopt(x->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(x->curl, CURLOPT_USERNAME, request->user);
		curl_easy_setopt(x->curl, CURLOPT_PASSWORD, request->password ? request->password : "");
	}
	set_protocols(x->curl, request->url);
	set_times(x->curl, request);
	set_proxy(x->curl, request);
	set_receivers(x);
	r = set_tls(x, err);
	r = r ? r : set_method(x, err);
	return r ? r : set_headers(x, err);
}

/*
 * What went wrong, in words.
 */

static const struct {
	CURLcode code;
	const char *what;
} kinds[] = {
	{ CURLE_COULDNT_RESOLVE_HOST,     "the name can't be resolved" },
	{ CURLE_COULDNT_RESOLVE_PROXY,    "the proxy's name can't be resolved" },
	{ CURLE_COULDNT_CONNECT,          "can't connect" },
	{ CURLE_OPERATION_TIMEDOUT,       "took too long" },
	{ CURLE_SSL_CONNECT_ERROR,        "no TLS connection" },
	{ CURLE_PEER_FAILED_VERIFICATION, "the server's certificate was refused" },
	{ CURLE_SSL_CERTPROBLEM,          "the client's certificate can't be used" },
	{ CURLE_SSL_CACERT_BADFILE,       "the trusted certificates can't be used" },
	{ CURLE_SSL_ENGINE_INITFAILED,    "TLS can't be used" },
	{ CURLE_PARTIAL_FILE,             "the answer was cut off" },
	{ CURLE_GOT_NOTHING,              "closed without an answer" },
	{ CURLE_RECV_ERROR,               "the connection broke before the answer was whole" },
	{ CURLE_SEND_ERROR,               "the connection broke while the request was sent" },
	{ CURLE_OUT_OF_MEMORY,            "a header that has no end, or memory is short" },
	{ CURLE_WEIRD_SERVER_REPLY,       "the answer is no HTTP" },
	{ CURLE_UNSUPPORTED_PROTOCOL,     "the answer is no HTTP that is taken" },
#if LIBCURL_VERSION_NUM >= 0x074900
	{ CURLE_PROXY,                    "the proxy refused" },
#endif
};

static const char *kind_of(CURLcode code)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].code == code)
			return kinds[i].what;
	return "no answer";
}

static const char *certificate_advice(long verdict)
{
	switch (verdict) {
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return "; if it is from a CA of your own, name its certificate in network.ca_file of the configuration";
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "; is this machine's clock right?";
	default:
		return "";
	}
}

static int explain_stop(const struct exchange *x, struct error *err)
{
	if (x->stopped == TOKEEP_ENOMEM)
		return error_nomem(err);
	if (x->request->sink && x->received <= x->request->size_max)
		return x->stopped; /* whoever took the body knows why */
	return error_set(err, TOKEEP_EREPLY, "%.*s: the answer is larger than %zu bytes and was not read",
			 x->origin_size, x->request->url, x->request->size_max);
}

static bool configured_badly(CURLcode code)
{
	return code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE;
}

static int explain(const struct exchange *x, CURLcode code, struct error *err)
{
	long number = 0, verdict = 0;
	int r;

	if (x->stopped)
		return explain_stop(x, err);
	if (code == CURLE_OUT_OF_MEMORY && !x->response->sent) /* later it may be a header beyond libcurl's limit */
		return error_nomem(err);
	curl_easy_getinfo(x->curl, CURLINFO_OS_ERRNO, &number);
	curl_easy_getinfo(x->curl, CURLINFO_SSL_VERIFYRESULT, &verdict);
	r = error_set(err, configured_badly(code) ? TOKEEP_ECONFIG : TOKEEP_ETRANSPORT, "%.*s: %s: %s",
		      x->origin_size, x->request->url, kind_of(code), *x->words ? x->words : curl_easy_strerror(code));
	if (number && code != CURLE_OPERATION_TIMEDOUT)
		error_add(err, ": %s", strerror((int)number));
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		error_add(err, "%s", certificate_advice(verdict));
	if (code == CURLE_SSL_CACERT_BADFILE)
		error_add(err, ": %s", x->ca_file ? x->ca_file : x->ca_path);
	return r;
}

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* libcurl's own time-out looks at the clock before it looks at the socket. A process that was stopped meanwhile would
 * lose an answer that has long arrived, and with it a refresh token: here what has arrived by the end still counts. */
static CURLMcode run_until(CURLM *multi, int64_t end_ms)
{
	int running = 1, ready = 1, late = 0;
	CURLMcode code = CURLM_OK;

	while (!code && running && ready && late < LATE_READS) {
		int64_t left_ms = end_ms - clock_ms();

		late = left_ms > 0 ? 0 : late + 1;
		code = curl_multi_perform(multi, &running);
		if (!code && running)
			code = curl_multi_poll(multi, NULL, 0, late ? 0 : (int)left_ms, &ready);
		if (!late)
			ready = 1; /* a timer of libcurl's, or the end */
	}
	return code;
}

static CURLcode drive(struct exchange *x)
{
	CURLcode code = CURLE_OPERATION_TIMEDOUT;
	CURLM *multi = curl_multi_init();
	CURLMsg *message;
	int more;

	if (!multi || curl_multi_add_handle(multi, x->curl) ||
	    run_until(multi, clock_ms() + x->request->timeout_ms)) {
		code = CURLE_OUT_OF_MEMORY;
	} else {
		message = curl_multi_info_read(multi, &more);
		if (message)
			code = message->data.result;
		else
			snprintf(x->words, sizeof(x->words), "no whole answer in %lld ms",
				 (long long)x->request->timeout_ms);
	}
	if (multi)
		curl_multi_remove_handle(multi, x->curl);
	curl_multi_cleanup(multi);
	return code;
}

/* OpenSSL writes with write(), and a library must not let its host die of SIGPIPE. */
static CURLcode perform(struct exchange *x)
{
	static const struct timespec now = { 0, 0 };
	sigset_t pipe_signal, before, pending;
	CURLcode code;
	bool was_pending;

	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	sigpending(&pending);
	was_pending = sigismember(&pending, SIGPIPE) == 1;
	pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
	code = drive(x);
	if (!was_pending)
		while (sigtimedwait(&pipe_signal, NULL, &now) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code;
}

static int settle(struct exchange *x, CURLcode code, struct error *err)
{
	struct http_response *response = x->response;

	if (code)
		return explain(x, code, err);
	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &response->status);
	if (!response->body && !make_room(x, 0))
		return error_nomem(err);
	response->body[response->size] = '\0';
	return 0;
}

static int transport_send(const struct http_request *request, struct http_response *response, struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct exchange x = { .request = request, .response = response };
	int r;

	x.origin_size = (int)http_url_origin(request->url);
	if (request->timeout_ms <= 0) /* which libcurl would take for none */
		return error_set(err, TOKEEP_ETRANSPORT, "%.*s: not asked: the time was up before", x.origin_size,
				 request->url);
	pthread_once(&once, global_init);
	x.curl = global_result ? NULL : curl_easy_init();
	if (!x.curl)
		return error_set(err, TOKEEP_EINTERNAL, "libcurl can't be initialised: %s",
				 curl_easy_strerror(global_result ? global_result : CURLE_FAILED_INIT));
	r = prepare(&x, err);
	if (!r)
		r = settle(&x, perform(&x), err);
	curl_easy_cleanup(x.curl);
	for (struct curl_slist *h = x.headers; h; h = h->next)
		secret_wipe(h->data, strlen(h->data));
	curl_slist_free_all(x.headers);
	secret_wipe(x.words, sizeof(x.words));
	return r;
}

static const char *describe(void)
{
	return curl_version();
}

__attribute__((visibility("default"))) extern const struct transport tokeep_transport;

const struct transport tokeep_transport = {
	.version = TRANSPORT_VERSION,
	.send = transport_send,
	.assertion = assertion_make,
	.digest = assertion_digest,
	.challenge = assertion_challenge,
	.describe = describe,
};
