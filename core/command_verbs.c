/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_verbs.c: the table of verbs, from which the parser, the usage and every help are made. */
#include "command.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define CLIENT_LINE { OPTION_CLIENT, "client", "CLIENT", "of this client: a name in the config or a client id" }
#define ID_LINE { OPTION_ID, "id", "ID", "the token with this id" }
#define JSON_LINE { OPTION_JSON, "json", NULL, "JSON, for errors on standard error too" }
#define REVEAL_LINE { OPTION_REVEAL, "reveal", NULL, "show secrets" }
#define END_LINE { OPTIONS, NULL, NULL, NULL }

static const struct option_line login_options[] = {
	{ OPTION_NO_BROWSER, "no-browser", NULL, "only print the URL" },
	{ OPTION_PORT, "port", "N", "the port that the browser comes back to" },
	{ OPTION_CODE, "code", "CODE|-", "a code or the callback URL; - reads it or asks for it" },
	{ OPTION_REFRESH_TOKEN, "refresh-token", "-", "take over a refresh token, read or asked for" },
	{ OPTION_DEVICE, "device", NULL, "with a code that is approved on another device" },
	{ OPTION_CLIENT_CREDENTIALS, "client-credentials", NULL, "for the client itself, without a user" },
	{ OPTION_USER, "user", "NAME", "the account; without it the provider is asked" },
	{ OPTION_SCOPE, "scope", "SCOPE", "what the token is for, instead of the config's" },
	JSON_LINE,
	END_LINE,
};

static const struct option_line token_options[] = {
	CLIENT_LINE,
	ID_LINE,
	{ OPTION_MIN_TTL, "min-ttl", "S", "valid for this many seconds at least" },
	{ OPTION_HEADER, "header", NULL, "print the whole Authorization header" },
	{ OPTION_ENV, "env", NULL, "print variables for a shell's eval" },
	JSON_LINE,
	END_LINE,
};

static const struct option_line exec_options[] = { CLIENT_LINE, ID_LINE, JSON_LINE, END_LINE };

static const struct option_line api_options[] = {
	{ OPTION_REQUEST, "request", "METHOD", "instead of GET, or POST where there is a body" },
	{ OPTION_ADD_HEADER, "add-header", "HEADER", "send this too; may be repeated" },
	{ OPTION_DATA, "data", "DATA|@FILE|-", "send this body" },
	{ OPTION_TIMEOUT, "timeout", "S", "give up after this many seconds (300)" },
	CLIENT_LINE,
	ID_LINE,
	JSON_LINE,
	END_LINE,
};

static const struct option_line revoke_options[] = {
	{ OPTION_LOCAL, "local", NULL, "delete it here without asking the provider" },
	CLIENT_LINE,
	ID_LINE,
	JSON_LINE,
	END_LINE,
};

static const struct option_line refresh_options[] = {
	{ OPTION_ALL, "all", NULL, "every token that can be refreshed" },
	{ OPTION_BEFORE, "before", "S", "only what expires within this many seconds" },
	CLIENT_LINE,
	JSON_LINE,
	END_LINE,
};

static const struct option_line list_options[] = {
	{ OPTION_REVEAL, "reveal", NULL, "whole records with their secrets" },
	JSON_LINE,
	END_LINE,
};

static const struct option_line show_options[] = { CLIENT_LINE, ID_LINE, REVEAL_LINE, JSON_LINE, END_LINE };

static const struct option_line find_options[] = {
	{ OPTION_USER, "user", "USER", "of this account; the first that is given decides" },
	{ OPTION_ACCESS_TOKEN, "access-token", "-", "with this access token, read or asked for" },
	{ OPTION_GRANT_TOKEN, "grant-token", "-", "with this code, read or asked for" },
	{ OPTION_REFRESH_TOKEN, "refresh-token", "-", "with this refresh token, read or asked for" },
	CLIENT_LINE,
	REVEAL_LINE,
	JSON_LINE,
	END_LINE,
};

static const struct option_line clear_options[] = {
	{ OPTION_YES, "yes", NULL, "yes, every token" },
	JSON_LINE,
	END_LINE,
};

static const struct option_line migrate_options[] = {
	{ OPTION_DRY_RUN, "dry-run", NULL, "only count" },
	JSON_LINE,
	END_LINE,
};

static const struct option_line json_options[] = { JSON_LINE, END_LINE };

static const struct verb verbs[] = {
	{ "login", "[CLIENT]", "log in: in the browser, or by one of --code, --device and others", 0, 1, true, login_options,
	  verb_login },
	{ "token", "[USER]", "print a valid access token, refreshed if it must be", 0, 1, true, token_options, verb_token },
	{ "refresh", "[USER...|--all]", "get new access tokens now", 0, -1, true, refresh_options, verb_refresh },
	{ "exec", "[USER] -- COMMAND...", "run a command with a valid token in its environment", 0, 1, true, exec_options,
	  verb_exec },
	{ "api", "[USER] URL|/PATH", "call an API once, its answer on standard output", 1, 2, true, api_options, verb_api },
	{ "list", "", "list every token", 0, 0, true, list_options, verb_list },
	{ "show", "[USER]", "show a whole record", 0, 1, true, show_options, verb_show },
	{ "find", "SELECTOR...", "look a record up as a program does", 0, 0, true, find_options,
	  verb_find },
	{ "delete", "ID", "delete a token from the store", 1, 1, true, json_options, verb_delete },
	{ "revoke", "[USER]", "revoke a token at the provider, then delete it", 0, 1, true, revoke_options, verb_revoke },
	{ "clear", "--yes", "delete every token from the store", 0, 0, true, clear_options, verb_clear },
	{ "export", "[FILE|-]", "write every record with its secrets, a JSON object a line", 0, 1, true, json_options,
	  verb_export },
	{ "import", "[FILE|-]", "save the records that export wrote", 0, 1, true, json_options, verb_import },
	{ "migrate", "FROM TO", "copy every token from one configured store to another", 2, 2, false, migrate_options,
	  verb_migrate },
	{ "check", "", "examine config, store, providers and state", 0, 0, false, json_options, verb_check },
	{ "stores", "", "list the installed stores", 0, 0, true, json_options, verb_stores },
	{ "providers", "", "list the known providers", 0, 0, true, json_options, verb_providers },
	{ "version", "", "print the version", 0, 0, false, json_options, verb_version },
	{ "help", "[VERB]", "explain a verb", 0, 1, false, json_options, verb_help },
};
enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

/* command_arguments.c knows them. */
static const char global_help[] =
	"  -c, --config FILE     this config file instead of the usual ones\n"
	"  -v, --verbose         say what is done; twice: everything\n"
	"  -q, --quiet           errors only\n"
	"  -h, --help            this text\n"
	"  -V, --version         the version\n";

const struct verb *verbs_find(const char *name)
{
	for (int i = 0; i < VERBS; i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static void print_options(const struct option_line *line)
{
	for (; line && line->name; line++) {
		char letter = arguments_letter(line->id);
		int n = letter ? printf("  -%c, ", letter) : printf("  ");

		n += printf("--%s%s%s", line->name, line->argument ? " " : "", line->argument ? line->argument : "");
		printf("%*s%s\n", n < 24 ? 24 - n : 1, "", line->text);
	}
}

static void print_verbs(void)
{
	puts("Usage: tokeep [-c FILE] [-v|-q] VERB ...\n");
	for (int i = 0; i < VERBS; i++)
		printf("  %-11s%s\n", verbs[i].name, verbs[i].summary);
	puts("\nMore on a verb: tokeep help VERB. The manual: man tokeep.");
}

void verbs_print_help(const struct verb *verb)
{
	if (!verb) {
		print_verbs();
		return;
	}
	printf("Usage: tokeep %s [OPTION...]%s%s\n\n%c%s.\n\n", verb->name, *verb->arguments ? " " : "",
	       verb->arguments, toupper((unsigned char)*verb->summary), verb->summary + 1);
	print_options(verb->options);
	printf("\n%s", global_help);
}

int verb_help(struct command *cmd)
{
	const char *name = arguments_operand(cmd, 0);
	const struct verb *verb = name ? verbs_find(name) : NULL;

	if (name && !verb)
		return say_error(cmd, TOKEEP_EINVAL, "no such verb: %s; run: tokeep help", name);
	verbs_print_help(verb);
	return 0;
}
