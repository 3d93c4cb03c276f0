/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* page.h: the page that a browser shows at the end of a login. */
#ifndef TOKEEP_CORE_PAGE_H
#define TOKEEP_CORE_PAGE_H

enum page_kind { PAGE_SUCCESS, PAGE_FAILURE, PAGE_REFUSAL };

struct page {
	char *html;      /* NULL: memory is short */
	char policy[96]; /* Content-Security-Policy, which lets nothing in but the page's own style */
};

/* Any text is shown as it is. `lead` is a sentence or a name that stands out; `detail` and `next` are NULL or a sentence
 * each: what happened, and what to do. Free with page_free. */
void page_make(struct page *page, enum page_kind kind, const char *lead, const char *detail, const char *next);
void page_free(struct page *page);
#endif
