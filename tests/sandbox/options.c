/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* options.c: reading the command line. */
#include "config.h"

#include "options.h"
#include "rules.h"
#include "text.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: tokeep-sandbox [OPTION]...\n"
	"An OAuth 2.0 server on 127.0.0.1, for tests alone: anybody may approve anything.\n"
	"\n"
	"  --port N                 listen on port N (0, the default: any free port)\n"
	"  --port-file FILE         write the port there once it listens\n"
	"  --dialect rfc|zoho       as the RFCs have it (default) or as Zoho does\n"
	"  --client ID[:SECRET]     a client, without a secret a public one; may be repeated\n"
	"  --redirect URI           a registered redirect URI (any https or loopback one); may be repeated\n"
	"  --auto-approve USER      log in USER without asking\n"
	"  --token-life S           life of an access token (3600)\n"
	"  --code-life S            life of a code (60; zoho 120)\n"
	"  --device-life S          life of a device code (300)\n"
	"  --interval S             between two polls of a device (5; zoho 30)\n"
	"  --rotate strict|grace:S|never\n"
	"                           what becomes of a used refresh token (strict; zoho never)\n"
	"  --throttle N:S           at most N access tokens per refresh token in S seconds (0; zoho 10:600)\n"
	"  --fault kind=K[,endpoint=E][,ms=N][,status=N][,retry_after=R][,count=N|always]\n"
	"                           misbehave for the next requests; may be repeated\n"
	"  --seed-refresh TOKEN[,USER[,CLIENT]]\n"
	"                           a refresh token that is there from the start; may be repeated\n"
	"  --log FILE               a JSON line per request, with digests in place of tokens\n"
	"  --tls-cert FILE, --tls-key FILE\n"
	"                           https\n"
	"  --api-domain URL         zoho: api_domain of the answers (this server)\n"
	"  --location DC            zoho: data centre of the users (us); any but us is http://localhost:PORT\n"
	"  --legacy-expiry          zoho: expires_in in milliseconds beside expires_in_sec\n"
	"  --print-config           print what to put into tokeep.conf\n"
	"  --help, --version\n"
	"\n"
	"Prints `listening on URL` when it is ready. The control endpoints: tokeep-sandbox(1).\n";

enum { RULE = 1, PORT, DIALECT, VERSION_NUMBER, HELP, TEXT, LIST, SWITCH };

static const struct option long_options[] = {
	{ "port", required_argument, NULL, PORT },
	{ "port-file", required_argument, NULL, TEXT },
	{ "dialect", required_argument, NULL, DIALECT },
	{ "client", required_argument, NULL, LIST },
	{ "redirect", required_argument, NULL, LIST },
	{ "auto-approve", required_argument, NULL, TEXT },
	{ "token-life", required_argument, NULL, RULE },
	{ "code-life", required_argument, NULL, RULE },
	{ "device-life", required_argument, NULL, RULE },
	{ "interval", required_argument, NULL, RULE },
	{ "rotate", required_argument, NULL, RULE },
	{ "throttle", required_argument, NULL, RULE },
	{ "fault", required_argument, NULL, LIST },
	{ "seed-refresh", required_argument, NULL, LIST },
	{ "log", required_argument, NULL, TEXT },
	{ "tls-cert", required_argument, NULL, TEXT },
	{ "tls-key", required_argument, NULL, TEXT },
	{ "api-domain", required_argument, NULL, TEXT },
	{ "location", required_argument, NULL, TEXT },
	{ "legacy-expiry", no_argument, NULL, SWITCH },
	{ "print-config", no_argument, NULL, SWITCH },
	{ "version", no_argument, NULL, VERSION_NUMBER },
	{ "help", no_argument, NULL, HELP },
	{ NULL, 0, NULL, 0 },
};

static void set_text(struct options *o, const char *name, const char *value)
{
	const struct {
		const char *name, **where;
	} texts[] = {
		{ "port-file", &o->port_file },   { "log", &o->log },
		{ "tls-cert", &o->tls_cert },     { "tls-key", &o->tls_key },
		{ "api-domain", &o->api_domain }, { "auto-approve", &o->auto_approve },
		{ "location", &o->location },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!strcmp(texts[i].name, name))
			*texts[i].where = value;
}

static void add_to_list(struct options *o, const char *name, const char *value)
{
	const struct {
		const char *name;
		struct param **list;
	} lists[] = {
		{ "client", &o->clients },
		{ "redirect", &o->redirects },
		{ "fault", &o->faults },
		{ "seed-refresh", &o->seeds },
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		if (!strcmp(lists[i].name, name))
			param_add(lists[i].list, "", value);
}

static void set_port(struct options *o, const char *value)
{
	int64_t n;

	if (!text_number(value, &n) || n > UINT16_MAX)
		die(2, "port", "must be from 0 to 65535");
	o->port = (uint16_t)n;
}

static void set_dialect(struct options *o, const char *value)
{
	if (!strcmp(value, "rfc"))
		o->dialect = RFC;
	else if (!strcmp(value, "zoho"))
		o->dialect = ZOHO;
	else
		die(2, "dialect", "must be rfc or zoho");
}

static void set_switch(struct options *o, const char *name)
{
	*(!strcmp(name, "print-config") ? &o->print_config : &o->legacy_expiry) = true;
}

static _Noreturn void finish(const char *text)
{
	fputs(text, stdout);
	exit(fflush(stdout) ? 1 : 0);
}

static void take(struct options *o, struct param **rules, int kind, const char *name, const char *value)
{
	switch (kind) {
	case PORT: set_port(o, value); break;
	case DIALECT: set_dialect(o, value); break;
	case RULE: param_add(rules, name, value); break;
	case TEXT: set_text(o, name, value); break;
	case LIST: add_to_list(o, name, value); break;
	case SWITCH: set_switch(o, name); break;
	case HELP: finish(usage);
	case VERSION_NUMBER: finish("tokeep-sandbox " VERSION "\n");
	default: exit(2); /* getopt_long() has said why */
	}
}

/* After all others, since the dialect says what the rules begin with. */
static void set_rules(struct options *o, const struct param *rules)
{
	o->rules = rules_of(o->dialect);
	for (; rules; rules = rules->next) {
		const char *why = rules_set(&o->rules, rules->name, rules->value);

		if (why)
			die(2, rules->name, why);
	}
}

void options_read(struct options *o, int argc, char **argv)
{
	struct param *rules = NULL;
	int index;
	int kind;

	memset(o, 0, sizeof(*o));
	o->dialect = RFC;
	o->location = "us";
	while ((kind = getopt_long(argc, argv, "", long_options, &index)) != -1)
		take(o, &rules, kind, kind == '?' ? NULL : long_options[index].name, optarg);
	if (optind < argc)
		die(2, argv[optind], "only options are taken, see --help");
	if (!o->tls_cert != !o->tls_key)
		die(2, "tls-cert", "needs tls-key, and the other way round");
	set_rules(o, rules);
	params_free(rules);
}

void options_free(struct options *o)
{
	params_free(o->clients);
	params_free(o->seeds);
	params_free(o->faults);
	params_free(o->redirects);
}
