/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_conf_fuzz.c: thousands of damaged configurations. Each is read or refused with its name, nothing is leaked or
 * overrun (under the sanitizers), and no message ever holds the secret. The same every time; $FUZZ_ROUNDS for more.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "provider.h"
#include "tap.h"

/* libconfig 1.5 leaks the tokens it holds when it meets a syntax error. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

static const char seed[] =
	"# a comment\n"
	"store = \"sqlite\"; /* another\n one */\n"
	"sqlite = { path = \"/var/lib/tokeep/tokens.db\"; journal = \"wal\"; };\n"
	"mysql : { host = \"localhost\", port = 3306, password = \"CANARY\" };\n"
	"clients = {\n"
	"  crm = { provider = \"zoho\"; data_center = \"eu\"; client_id = \"1000.X\"; client_secret = \"CANARY\";\n"
	"          api_hosts = [ \"desk.zoho.eu\", \"a:8080\" ]; authorization_params = { prompt = \"login\"; }; };\n"
	"  raw = { issuer = \"https://op.example\"; token_url = \"https://op.example/t\"; client_id = \"r\"; client_secret = \"CANARY\"; };\n"
	"};\n"
	"default_client = \"crm\";\n"
	"refresh = { leeway = 0x3C; timeout = 30; lock_timeout = 60; };\n"
	"policy = { max_age = 9007199254740992L; idle = -0; };\n"
	"providers = { zoho = { dialect = \"zoho\"; token_url = \"{accounts}/t\"; default_data_center = \"eu\";\n"
	"  data_centers = { eu = { accounts = \"https://accounts.zoho.eu\"; api = \"https://www.zohoapis.eu\"; }; }; }; };\n"
	"network = { proxy = \"\"; ca_file = \"~/ca\"; };\n";

static const char *const snippets[] = {
	"{", "}", "(", ")", "[", "]", "\"", "\\", ";", "=", "/*", "*/", "//", "#", "\n", "@include ", "@include \"/dev/null\"\n",
	"-", "0", "L", ".", "e9", "0x", "99999999999", "{accounts}", "%s%n", "\x1b[2J", "\xff", "a={", "\"\"", "true", "~/",
};

static uint32_t state = 12345;

static uint32_t draw(uint32_t below)
{
	state = state * 1664525u + 1013904223u;
	return (state >> 8) % below;
}

/* One to four wounds: a byte changed, a piece left out, doubled or put in, the end cut off. */
static size_t damage(char *text, size_t size, size_t room)
{
	const char *snippet;
	size_t at, n;

	for (int wounds = 1 + draw(4); wounds && size > 64; wounds--) {
		at = draw(size - 32);
		n = 1 + draw(31);
		switch (draw(6)) {
		case 0:
			text[at] = (char)draw(256);
			break;
		case 1:
			memmove(text + at, text + at + n, size - at - n);
			size -= n;
			break;
		case 2:
			if (size + n > room)
				break;
			memmove(text + at + n, text + at, size - at);
			size += n;
			break;
		case 3:
			size = draw(50) ? size : at;
			break;
		default:
			snippet = snippets[draw(sizeof(snippets) / sizeof(snippets[0]))];
			n = strlen(snippet);
			if (size + n > room)
				break;
			memmove(text + at + n, text + at, size - at);
			memcpy(text + at, snippet, n);
			size += n;
		}
	}
	return size;
}

static void write_file(const char *name, const char *text, size_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, size) != (ssize_t)size || close(fd)) {
		perror(name);
		exit(1);
	}
}

static int use_client(void *data, const char *name, const struct setting *group)
{
	struct error err = {.retry_after_s = -1};
	struct client *client = NULL;
	const char *secret;

	if (!client_named(data, name, NULL, &client, &err))
		client_secret(client, &secret, &err);
	client_free(client);
	error_clear(&err);
	return 0;
}

static int use_record(const struct conf *conf, struct error *err)
{
	struct tokeep_token *token = tokeep_token_new();
	struct client *client = NULL;
	int r;

	tokeep_token_set(token, TOKEEP_FIELD_CLIENT_ID, "1000.X");
	tokeep_token_set(token, TOKEEP_FIELD_CLIENT_SECRET, "CANARY");
	tokeep_token_set(token, TOKEEP_FIELD_API_DOMAIN, "https://www.zohoapis.eu");
	r = client_for_token(conf, token, &client, err);
	client_free(client);
	tokeep_token_free(token);
	return r;
}

/* A wound may make a value or a name of the secret: it then stands in the text where secrets don't. */
static bool still_secret(const char *text, size_t size)
{
	const char *p = text, *hit;
	int secrets = 0, all = 0;

	for (; (hit = memmem(p, text + size - p, "CANARY", 6)); p = hit + 6) {
		all++;
		secrets += (hit - text >= 17 && !memcmp(hit - 17, "client_secret = \"", 17)) ||
			   (hit - text >= 12 && !memcmp(hit - 12, "password = \"", 12));
	}
	return secrets == all;
}

int main(void)
{
	char folder[] = "/tmp/tokeep-fuzz.XXXXXX", path[64], text[8192];
	const char *more = getenv("FUZZ_ROUNDS");
	int rounds = more ? (int)strtol(more, NULL, 10) : 3000;
	int sound = 0, refused = 0, nameless = 0, strange = 0, leaky = 0;
	struct error err = {.retry_after_s = -1};
	struct conf conf = {0};
	size_t size;
	int r;

	if (!mkdtemp(folder)) {
		perror(folder);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/tokeep.conf", folder);
	setenv("HOME", "/home/alice", 1);
	setenv("TOKEEP_DATADIR", folder, 1);
	for (int i = 0; i < rounds; i++) {
		memcpy(text, seed, sizeof(seed) - 1);
		size = i ? damage(text, sizeof(seed) - 1, sizeof(text)) : sizeof(seed) - 1;
		write_file(path, text, size);
		r = conf_read(&conf, path, &err);
		if (!r) {
			sound++;
			client_names(&conf, use_client, &conf);
			r = use_record(&conf, &err);
		} else {
			refused++;
			nameless += !strstr(error_text(&err), path);
		}
		strange += r && r != TOKEEP_ECONFIG;
		if (r && still_secret(text, size) && strstr(error_text(&err), "CANARY")) {
			leaky++;
			printf("# %s\n", error_text(&err));
		}
		conf_free(&conf);
		error_clear(&err);
	}
	ok(sound > rounds / 50 && refused > rounds / 50, "some are read (%d) and some refused (%d)", sound, refused);
	is_int(strange, 0, "none with another result");
	is_int(nameless, 0, "none without the file's name");
	is_int(leaky, 0, "and no message holds a secret");
	unlink(path);
	rmdir(folder);
	return done();
}
