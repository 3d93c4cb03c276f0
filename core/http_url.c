/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* http_url.c: which URLs may be asked at all. Linked into the library and the transport. */
#include <config.h>

#include "transport.h"

#include <string.h>
#include <strings.h>

/* The parts of a URL that decide. They point into it. */
struct url {
	const char *host; /* with the brackets of an IPv6 address */
	size_t host_size;
	const char *rest; /* behind the authority */
	bool https;
};

static bool host_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '.' || c == '_';
}

static size_t host_length(const char *host)
{
	size_t n = 0;

	if (*host != '[') {
		while (host_character(host[n]))
			n++;
		return n;
	}
	n = 1 + strspn(host + 1, "0123456789abcdefABCDEF:.");
	return n > 1 && host[n] == ']' ? n + 1 : 0;
}

static const char *port_refusal(const char *port, size_t size)
{
	long n = 0;

	if (size < 1 || size > 5)
		return "the port is no number from 1 to 65535";
	for (size_t i = 0; i < size; i++)
		n = n * 10 + (port[i] - '0');
	return n < 1 || n > 65535 ? "the port is no number from 1 to 65535" : NULL;
}

static const char *url_parse(const char *text, struct url *url)
{
	const char *p;
	size_t digits;

	if (!strncasecmp(text, "https://", 8))
		url->https = true;
	else if (!strncasecmp(text, "http://", 7))
		url->https = false;
	else
		return "it does not begin with https://";
	for (p = text; *p; p++)
		if (*p <= 0x20 || *p >= 0x7f || strchr("\"<>\\^`{|}", *p))
			return "a blank, control or other character is in it that a URL has only encoded";
	url->host = text + (url->https ? 8 : 7);
	p = url->host + strcspn(url->host, "/?#");
	if (memchr(url->host, '@', (size_t)(p - url->host)))
		return "a user name is in it";
	if (strchr(p, '#'))
		return "a fragment (#) is in it";
	url->host_size = host_length(url->host);
	if (!url->host_size)
		return "it has no host";
	p = url->host + url->host_size;
	if (*p == ':') {
		const char *refusal;

		digits = strspn(++p, "0123456789");
		refusal = port_refusal(p, digits);
		if (refusal)
			return refusal;
		p += digits;
	}
	if (*p && *p != '/' && *p != '?')
		return "the host is none";
	url->rest = p;
	return NULL;
}

static bool loopback(const struct url *url)
{
	static const char *const names[] = { "127.0.0.1", "[::1]", "localhost" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (url->host_size == strlen(names[i]) && !strncasecmp(url->host, names[i], url->host_size))
			return true;
	return false;
}

const char *http_url_refusal(const char *text)
{
	struct url url;
	const char *refusal = url_parse(text, &url);

	if (refusal)
		return refusal;
	if (!url.https && !loopback(&url))
		return "http is only for 127.0.0.1, [::1] and localhost: use https";
	return NULL;
}

bool http_url_loopback(const char *text)
{
	struct url url;

	return !url_parse(text, &url) && loopback(&url);
}

size_t http_url_origin(const char *text)
{
	struct url url;

	return url_parse(text, &url) ? 0 : (size_t)(url.rest - text);
}
