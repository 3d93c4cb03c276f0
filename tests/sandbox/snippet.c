/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* snippet.c: the clients and providers of tokeep.conf for this very server. */
#include "config.h"

#include "sandbox.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char zoho_provider[] =
	"providers = {\n"
	"  sandbox = {\n"
	"    dialect = \"zoho\";\n"
	"    authorization_url = \"{accounts}/oauth/v2/auth\";\n"
	"    token_url = \"{accounts}/oauth/v2/token\";\n"
	"    revocation_url = \"{accounts}/oauth/v2/token/revoke\";\n"
	"    device_authorization_url = \"{accounts}/oauth/v3/device/code\";\n"
	"    device_token_url = \"{accounts}/oauth/v3/device/token\";\n"
	"    userinfo_url = \"{accounts}/oauth/user/info\";\n"
	"    scope_separator = \",\";\n"
	"    client_auth = \"post\";\n"
	"    header = \"Zoho-oauthtoken\";\n"
	"    authorization_params = { access_type = \"offline\"; prompt = \"consent\"; };\n"
	"    default_data_center = \"us\";\n"
	"    data_centers = {\n"
	"      us = { accounts = \"%s\"; api = \"%s\"; };\n"
	"      %s = { accounts = \"%s\"; api = \"%s\"; };\n"
	"    };\n"
	"  };\n"
	"};\n";

static void write_provider(FILE *out, const struct sandbox *sb)
{
	const char *elsewhere = strcmp(sb->location, "us") ? sb->location : "eu";

	fprintf(out, zoho_provider, sb->base, sb->api_domain ? sb->api_domain : sb->base, elsewhere,
		sb->other_base, sb->api_domain ? sb->api_domain : sb->other_base);
}

/* A quoted string of libconfig. */
static void write_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (strchr("\"\\", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/* The group of the first client is "sandbox", of the second "sandbox2". */
static void write_client(FILE *out, const struct sandbox *sb, const struct client *client, int number)
{
	fprintf(out, "  sandbox");
	if (number > 1)
		fprintf(out, "%d", number);
	if (sb->dialect == ZOHO)
		fprintf(out, " = { provider = \"sandbox\"; scope = \"ZohoCRM.modules.ALL,AaaServer.profile.READ\";\n");
	else
		fprintf(out, " = { issuer = \"%s\"; scope = \"openid api\";\n", sb->base);
	fprintf(out, "    client_id = ");
	write_quoted(out, client->id);
	fprintf(out, client->secret ? "; client_secret = " : "; client_auth = ");
	write_quoted(out, client->secret ? client->secret : "none");
	fprintf(out, "; };\n");
}

char *snippet(struct sandbox *sb)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	int number = 0;

	if (!out)
		abort();
	fprintf(out, "# tokeep-sandbox, a server for tests. Mode 0600, since a client secret is in it.\n");
	if (sb->dialect == ZOHO)
		write_provider(out, sb);
	fprintf(out, "clients = {\n");
	for (const struct client *c = grants_client(sb->grants, NULL); c; c = c->next)
		write_client(out, sb, c, ++number);
	fprintf(out, "};\ndefault_client = \"sandbox\";\n");
	if (fclose(out))
		abort();
	return text;
}
