/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* options.h: the command line of tokeep-sandbox. */
#ifndef SANDBOX_OPTIONS_H
#define SANDBOX_OPTIONS_H

#include "sandbox.h"

struct options {
	enum dialect dialect;
	struct rules rules;
	struct param *clients, *seeds, *faults, *redirects; /* values of repeated options, without a name */
	const char *port_file, *log, *tls_cert, *tls_key, *auto_approve, *api_domain, *location;
	uint16_t port;
	bool legacy_expiry, print_config;
};

/* Ends the program on --help, --version and whatever is wrong (exit 2). */
void options_read(struct options *o, int argc, char **argv);
void options_free(struct options *o);
#endif
