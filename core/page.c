/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * page.c: the page that a browser shows at the end of a login: whether it went well, whose account it is or what went
 * wrong, and that the tab may be closed. No script, nothing from elsewhere, no token and no code.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "secret.h"

#define NONCE_SIZE 16

static const struct {
	const char *title, *kind;
	const char *sign; /* SVG path in a circle of 48 */
} kinds[] = {
	[PAGE_SUCCESS] = { "Logged in", "success", "M15 25l6.5 6.5L34 18" },
	[PAGE_FAILURE] = { "The login failed", "failure", "M17 17l14 14M31 17L17 31" },
	[PAGE_REFUSAL] = { "Not the answer that is waited for", "refusal", "M24 14v13M24 33.5v.5" },
};

static const char style[] =
	":root{color-scheme:light dark;--back:#f4f5f7;--card:#fff;--text:#1c1f24;--soft:#555d69;--line:#dfe2e7;"
	"--success:#1a7f4b;--failure:#b3261e;--refusal:#8a5a00}"
	"@media(prefers-color-scheme:dark){:root{--back:#15171b;--card:#1f2228;--text:#eceef1;--soft:#a9b0bb;"
	"--line:#343941;--success:#5fd197;--failure:#ff8a80;--refusal:#f0b95a}}"
	"*{box-sizing:border-box}"
	"body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;padding:1.5rem;"
	"background:var(--back);color:var(--text);font:1rem/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}"
	"main{width:100%;max-width:30rem;padding:2.5rem 2rem 1.75rem;background:var(--card);"
	"border:1px solid var(--line);border-radius:.75rem;text-align:center}"
	"svg{width:3.5rem;height:3.5rem;fill:none;stroke:currentColor;stroke-width:3;stroke-linecap:round;"
	"stroke-linejoin:round}"
	".success svg{color:var(--success)}.failure svg{color:var(--failure)}.refusal svg{color:var(--refusal)}"
	"h1{margin:.75rem 0 .25rem;font-size:1.5rem;line-height:1.25;font-weight:600}"
	"p{margin:.75rem 0;overflow-wrap:anywhere}"
	".lead{font-size:1.125rem;margin-top:.25rem}"
	".success .lead{font-weight:600}"
	".detail{color:var(--soft)}"
	".failure .detail,.refusal .detail{margin:1.25rem 0;padding:.75rem 1rem;text-align:left;background:var(--back);"
	"border-radius:.5rem}"
	"footer{margin-top:1.75rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);"
	"font-size:.875rem}";

static void put_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		const char *safe = *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : *text == '&' ? "&amp;" :
				   *text == '"' ? "&#34;" : NULL;

		if (safe)
			fputs(safe, out);
		else
			fputc(*text, out);
	}
}

static void put_paragraph(FILE *out, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	fprintf(out, "<p class=\"%s\">", name);
	put_text(out, text);
	fputs("</p>\n", out);
}

static void put_page(FILE *out, const char *nonce, enum page_kind kind, const char *lead, const char *detail,
		     const char *next)
{
	fprintf(out,
		"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n<title>%s - tokeep</title>\n"
		"<link rel=\"icon\" href=\"data:,\">\n<style nonce=\"%s\">%s</style>\n</head>\n",
		kinds[kind].title, nonce, style);
	fprintf(out,
		"<body>\n<main class=\"%s\">\n<svg viewBox=\"0 0 48 48\" aria-hidden=\"true\"><circle cx=\"24\" cy=\"24\" "
		"r=\"22\"/><path d=\"%s\"/></svg>\n<h1>%s</h1>\n",
		kinds[kind].kind, kinds[kind].sign, kinds[kind].title);
	put_paragraph(out, "lead", lead);
	put_paragraph(out, "detail", detail);
	put_paragraph(out, "next", next);
	fputs("<footer>This page comes from tokeep on your own computer</footer>\n</main>\n</body>\n</html>\n", out);
}

static int make_nonce(char nonce[2 * NONCE_SIZE + 1])
{
	unsigned char bytes[NONCE_SIZE];

	if (secret_random(bytes, sizeof(bytes)))
		return -1;
	for (int i = 0; i < NONCE_SIZE; i++)
		snprintf(nonce + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

void page_make(struct page *page, enum page_kind kind, const char *lead, const char *detail, const char *next)
{
	char nonce[2 * NONCE_SIZE + 1] = "";
	size_t size;
	FILE *out;

	*page = (struct page){ .html = NULL };
	/* Without a nonce the page is without its style, and still says what it has to. */
	if (make_nonce(nonce))
		snprintf(page->policy, sizeof(page->policy), "default-src 'none'");
	else
		snprintf(page->policy, sizeof(page->policy), "default-src 'none'; style-src 'nonce-%s'", nonce);
	out = open_memstream(&page->html, &size);
	if (!out)
		return;
	put_page(out, nonce, kind, lead, detail, next);
	if (fclose(out)) {
		free(page->html);
		page->html = NULL;
	}
}

void page_free(struct page *page)
{
	free(page->html);
	page->html = NULL;
}
