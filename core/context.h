/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* context.h: what struct tokeep is, for the files that make up the public functions. */
#ifndef TOKEEP_CORE_CONTEXT_H
#define TOKEEP_CORE_CONTEXT_H

#include "flow.h"

struct tokeep {
	struct error err;
	struct log log;
	struct conf conf;
	bool loaded;
	char *use;              /* the store that the caller wants instead of the configured one; NULL */
	struct tokeep_backend *be; /* NULL until first used */
	bool recovered;         /* what earlier runs left was looked for */
	int64_t timeout_ms;     /* 0: none */
	char *own_file;         /* where a configuration would be; NULL: nobody asked */
};

/* Every public function begins with one of these. */
int context_begin(struct tokeep *tk);                      /* a configuration is there */
int context_store(struct tokeep *tk);                      /* the plugin is loaded, the journal looked at */
int context_flow(struct tokeep *tk, struct flow *flow);    /* and the flow is ready */

/* The store's word in use. */
const char *context_word(const struct tokeep *tk);
#endif
