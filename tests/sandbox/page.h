/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* page.h: HTML for people. Every page says loudly that this is a server for tests. */
#ifndef SANDBOX_PAGE_H
#define SANDBOX_PAGE_H

#include "http.h"

/* The whole page around a body; what goes into the format must be escaped. */
char *page_html(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *page_hidden_fields(const struct param *params);
#endif
