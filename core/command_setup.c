/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * command_setup.c: the first tokeep login of somebody who has no configuration: asks what has to be in one, shows it,
 * writes it where the user wants it, and the login goes on.
 */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REDIRECT_URL "http://127.0.0.1:8765/callback"
#define ZOHO_SCOPE "ZohoCRM.modules.ALL"

struct setup {
	struct command *cmd;
	const char *path;    /* of the configuration */
	char *secret_path;   /* beside it */
	char *provider, *data_center, *client_id, *secret, *scope, *redirect_url; /* data_center NULL: it has none */
	bool known;          /* the provider is one, not an issuer */
	char *data_centers, *dialect; /* of the provider */
};

static void setup_free(struct setup *setup)
{
	char *texts[] = { setup->secret_path, setup->provider,     setup->data_center,  setup->client_id, setup->secret,
			  setup->scope,       setup->redirect_url, setup->data_centers, setup->dialect };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		secret_drop(texts[i]);
}

static const char *client_name(const struct setup *setup)
{
	return setup->known ? setup->provider : "mine";
}

/*
 * The questions
 */

static int print_provider(void *data, const struct tokeep_provider_info *info)
{
	(void)data;
	if (!info->error)
		fprintf(stderr, " %s", info->name);
	return 0;
}

static int take_provider(void *data, const struct tokeep_provider_info *info)
{
	struct setup *setup = data;

	if (info->error || strcmp(info->name, setup->provider))
		return 0;
	setup->known = true;
	setup->data_centers = info->data_centers && *info->data_centers ? strdup(info->data_centers) : NULL;
	setup->dialect = info->dialect ? strdup(info->dialect) : NULL;
	return 1;
}

static int ask_provider(struct setup *setup)
{
	struct command *cmd = setup->cmd;
	int r;

	fputs("Providers:", stderr);
	r = tokeep_get_providers(cmd->tk, print_provider, NULL);
	fputs(", or the URL of an issuer\n", stderr);
	while (!r && !setup->known) {
		r = secret_ask(cmd, "provider", "zoho", &setup->provider);
		if (r || !strncmp(setup->provider, "https://", 8))
			return r;
		tokeep_get_providers(cmd->tk, take_provider, setup);
		if (!setup->known) {
			fprintf(stderr, "There is no such provider.\n");
			secret_drop(setup->provider);
			setup->provider = NULL;
		}
	}
	return r;
}

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = words; *word && (at = strstr(at, word)); at += n)
		if ((at == words || at[-1] == ' ') && (at[n] == ' ' || !at[n]))
			return true;
	return false;
}

static int ask_data_center(struct setup *setup)
{
	char *first;
	int r = 0;

	if (!setup->data_centers)
		return 0;
	first = strndup(setup->data_centers, strcspn(setup->data_centers, " "));
	fprintf(stderr, "Data centres, where the client is registered: %s\n", setup->data_centers);
	while (!r) {
		r = secret_ask(setup->cmd, "data centre", first, &setup->data_center);
		if (r || has_word(setup->data_centers, setup->data_center))
			break;
		fprintf(stderr, "There is no such data centre.\n");
		secret_drop(setup->data_center);
		setup->data_center = NULL;
	}
	free(first);
	return r;
}

static int ask_client_id(struct setup *setup)
{
	int r = secret_ask(setup->cmd, "client id, as the provider's console shows it", NULL, &setup->client_id);

	if (!r && !*setup->client_id)
		r = say_error(setup->cmd, TOKEEP_EINVAL, "without a client id nothing can be set up: register a client at the "
			      "provider, with the redirect URL " REDIRECT_URL);
	return r;
}

static int ask_all(struct setup *setup)
{
	struct command *cmd = setup->cmd;
	bool zoho;
	int r;

	fprintf(stderr, "There is no configuration yet. A few questions, and %s can be written.\n", setup->path);
	r = ask_provider(setup);
	if (!r)
		r = ask_data_center(setup);
	if (!r)
		r = ask_client_id(setup);
	if (!r)
		r = secret_read(cmd, "client secret, empty for none", &setup->secret);
	zoho = setup->dialect && !strcmp(setup->dialect, "zoho");
	if (!r)
		r = secret_ask(cmd, "scope", zoho ? ZOHO_SCOPE : "", &setup->scope);
	if (!r)
		r = secret_ask(cmd, "redirect URL that is registered for it", REDIRECT_URL, &setup->redirect_url);
	if (!r && asprintf(&setup->secret_path, "%.*s%s.secret", (int)(strrchr(setup->path, '/') + 1 - setup->path),
			   setup->path, client_name(setup)) < 0) {
		setup->secret_path = NULL;
		r = say_error(cmd, TOKEEP_ENOMEM, "out of memory");
	}
	return r;
}

/*
 * The file
 */

static void put_string(FILE *out, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	fprintf(out, "    %s = \"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			fputc('\\', out);
		fputc(*value, out);
	}
	fputs("\";\n", out);
}

static char *make_config(const struct setup *setup)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "# Written by tokeep login. Every key: tokeep.conf(5). After a change: tokeep check\n"
		"clients = {\n  %s = {\n", client_name(setup));
	put_string(out, setup->known ? "provider" : "issuer", setup->provider);
	put_string(out, "data_center", setup->data_center);
	put_string(out, "client_id", setup->client_id);
	if (*setup->secret)
		put_string(out, "client_secret_file", setup->secret_path);
	put_string(out, "redirect_url", setup->redirect_url);
	put_string(out, "scope", setup->scope);
	fprintf(out, "  };\n};\ndefault_client = \"%s\";\n", client_name(setup));
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* Each folder above the file that isn't there yet. */
static int make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int r;

		*slash = '\0';
		r = mkdir(path, 0700);
		*slash = '/';
		if (r && errno != EEXIST)
			return -1;
	}
	return 0;
}

static int write_whole(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		text += n;
		left -= n;
	}
	return fsync(fd);
}

/* A new file for its owner alone; what is there already stays. */
static int write_file(struct command *cmd, const char *path, const char *text)
{
	char *folders = strdup(path);
	int fd = -1, e = 0;

	if (!folders)
		return say_error(cmd, TOKEEP_ENOMEM, "out of memory");
	if (!make_folders(folders))
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	e = errno;
	free(folders);
	if (fd >= 0) {
		e = fchmod(fd, 0600) || write_whole(fd, text) ? errno : 0;
		if (close(fd) && !e)
			e = errno;
		if (!e)
			return 0;
		unlink(path);
	}
	return say_error(cmd, TOKEEP_ECONFIG, "%s: can't be written: %s", path, strerror(e));
}

static int write_both(struct setup *setup, const char *config)
{
	bool secret = *setup->secret;
	int r = secret ? write_file(setup->cmd, setup->secret_path, setup->secret) : 0;

	if (r)
		return r;
	r = write_file(setup->cmd, setup->path, config);
	if (r && secret)
		unlink(setup->secret_path);
	if (!r)
		say(setup->cmd, "%s is written%s%s", setup->path, secret ? ", and the secret is in " : "",
		    secret ? setup->secret_path : "");
	return r;
}

static int write_if_wanted(struct setup *setup)
{
	char *config = make_config(setup), *answer = NULL;
	int r;

	if (!config)
		return say_error(setup->cmd, TOKEEP_ENOMEM, "out of memory");
	fprintf(stderr, "\n%s\n", config);
	r = secret_ask(setup->cmd, "write this file (yes or no)", "yes", &answer);
	if (!r && *answer != 'y' && *answer != 'Y')
		r = say_error(setup->cmd, TOKEEP_ECONFIG, "nothing was written; the lines above may be put into %s",
			      setup->path);
	if (!r)
		r = write_both(setup, config);
	secret_drop(answer);
	free(config);
	return r;
}

/* A file that was named may be another one than the user's own, and is not there for a reason. */
static bool wanted(const struct command *cmd)
{
	const char *named = secure_getenv("TOKEEP_CONFIG");

	return !cmd->json && !cmd->config && (!named || !*named) && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

int setup_offer(struct command *cmd)
{
	struct setup setup = { .cmd = cmd };
	int found = 1, r;

	if (!wanted(cmd))
		return 0;
	setup.path = tokeep_config_file(cmd->tk, &found);
	if (found || !setup.path)
		return 0;
	r = ask_all(&setup);
	if (!r)
		r = write_if_wanted(&setup);
	setup_free(&setup);
	if (r)
		return r;
	tokeep_free(cmd->tk);
	cmd->tk = NULL;
	return say_open(cmd, &cmd->tk);
}
