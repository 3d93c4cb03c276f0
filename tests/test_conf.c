/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_conf.c: what a configuration means, and every refusal of a wrong one: file, line, name, why. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include "conf.h"
#include "secret.h"
#include "tap.h"

static char folder[64] = "/tmp/tokeep-conf.XXXXXX";
static char path[128]; /* of the configuration under test */
static struct conf conf;
static struct error err = {.retry_after_s = -1};

static void write_file(const char *name, const char *text, size_t size, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, size) != (ssize_t)size || fchmod(fd, mode) || close(fd)) {
		perror(name);
		exit(1);
	}
}

/* In the folder of the test. */
static const char *in(const char *name)
{
	static char full[4][160];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(full[turn], sizeof(full[turn]), "%s/%s", folder, name);
	return full[turn];
}

static int read_conf(const char *text)
{
	conf_free(&conf);
	error_clear(&err);
	write_file(path, text, strlen(text), 0600);
	return conf_read(&conf, path, &err);
}

/* Refused with FILE:LINE: WHY. */
static void refused_at(const char *text, const char *why, const char *sentence)
{
	char want[512];

	snprintf(want, sizeof(want), "%s:%s", path, why);
	if (read_conf(text) != TOKEEP_ECONFIG)
		ok(0, "%s (it was read)", sentence);
	else
		has_str(error_text(&err), want, sentence);
}

static void what_is_wrong_is_told_with_file_and_line(void)
{
	static const struct {
		const char *sentence, *text, *why;
	} cases[] = {
		{"a syntax error has its line", "store = \"list\";\nrefresh = {\n  leeway == 3;\n};\n", "3: syntax error"},
		{"a key given twice is refused", "store = \"list\";\nstore = \"list\";\n", "2: duplicate setting name"},
		{"an unknown key is refused", "\nverbose = true;\n", "2: verbose: unknown key"},
		{"a key that is nearly one is suggested", "default_cleint = \"x\";", "1: default_cleint: unknown key; is default_client meant?"},
		{"an unknown key has its groups' names", "clients = { crm = {\n client_id = \"x\";\n refreshtoken = \"x\"; }; };",
		 "3: clients.crm.refreshtoken: unknown key"},
		{"a nested key that is nearly one is suggested", "clients = { crm = { clientid = \"x\"; }; };",
		 "1: clients.crm.clientid: unknown key; is client_id meant?"},
		{"an unknown group is no store's", "\n\nsqllite = { path = \"/x\"; };", "3: sqllite: unknown key; nor is it the name of a store"},
		{"a number where a string belongs", "store = 3;", "1: store: wants a string in quotes, has a whole number"},
		{"a string where a number belongs", "refresh = { leeway = \"60\"; };", "1: refresh.leeway: wants a whole number, has a string in quotes"},
		{"a fraction where a whole number belongs", "refresh = { leeway = 1.5; };", "1: refresh.leeway: wants a whole number, has a number with a fraction"},
		{"1 is not true", "clients = { a = { client_id = \"x\";\nsave_client_secret = 1; }; };",
		 "2: clients.a.save_client_secret: wants true or false, has a whole number"},
		{"a string where a group belongs", "clients = \"crm\";", "1: clients: wants a group { ... }, has a string in quotes"},
		{"a client is a group", "clients = { crm = 1; };", "1: clients.crm: wants a group { ... }, has a whole number"},
		{"an array where a string belongs", "store = [\"a\"];", "1: store: wants a string in quotes, has an array [ ... ]"},
		{"an array of numbers where strings belong", "clients = { a = { api_hosts = [1]; }; };", "1: clients.a.api_hosts: wants a string in quotes"},
		{"a number too large for its key", "refresh = { leeway = 86401; };", "1: refresh.leeway: 86401: wants a number from 0 to 86400"},
		{"a number too small for its key", "refresh = { leeway = -1; };", "1: refresh.leeway: -1: wants a number from 0 to 86400"},
		{"a time-out of 0 is refused", "refresh = { timeout = 0; };", "1: refresh.timeout: 0: wants a number from 1 to 600"},
		{"an age beyond 2^53 is refused", "policy = { idle = 9007199254740993L; };", "1: policy.idle: 9007199254740993: wants"},
		{"3000000000 does not become negative", "refresh = { leeway =\n3000000000; };", "2: 3000000000: the number is too large"},
		{"4294967297 does not become 1", "refresh = { leeway = 4294967297; };", "1: 4294967297: the number is too large"},
		{"0xFFFFFFFF does not become -1", "refresh = { leeway = 0xFFFFFFFF; };", "1: 0xFFFFFFFF: the number is too large"},
		{"a number beyond 64 bits is refused", "policy = { idle = 9223372036854775808L; };", "1: 9223372036854775808: the number is too large"},
		{"a number as long as a line is refused", "policy = { idle = 99999999999999999999999999999999999999999999999L; };", "1: 999"},
		{"an octal-looking number is refused", "sqlite = {\n\n mode = 0600; };", "3: 0600: a number with a leading zero"},
		{"a number smuggled in before a name is seen", "sqlite = { a = 3000000000e = 1; };", "1: 3000000000: the number is too large"},
		{"a word that is none of the choices", "clients = { a = { client_auth = \"header\"; }; };",
		 "1: clients.a.client_auth: header: wants one of none, basic, post, private_key_jwt, client_secret_jwt"},
		{"an endpoint without TLS is refused", "clients = { a = { client_id = \"x\";\n token_url = \"http://op.example/token\"; }; };",
		 "2: clients.a.token_url: http://op.example/token: "},
		{"a template that isn't known is refused", "clients = { a = { token_url = \"https://{host}/token\"; }; };",
		 "1: clients.a.token_url: https://{host}/token: the only template is {accounts}"},
		{"a template can't make up a host", "clients = { a = { token_url = \"{accounts}.evil.example/token\"; }; };",
		 "1: clients.a.token_url: {accounts}.evil.example/token: the only template"},
		{"an accounts server is a server", "providers = { p = { data_centers = { eu = { accounts = \"https://a.example/x\"; }; }; }; };",
		 "1: providers.p.data_centers.eu.accounts: https://a.example/x: wants a server"},
		{"a line break in a value is refused", "clients = { a = { client_id = \"x\\ny\"; }; };", "1: clients.a.client_id: has a line break"},
		{"an option that is a group is refused", "sqlite = { path = \"/x\";\n more = { a = 1; }; };", "2: sqlite.more: wants a string, a number"},
		{"a store's path is absolute", "store = \"stores/mine.so\";", "1: store: stores/mine.so: wants an absolute path"},
		{"a store's name has small letters", "store = \"My Store\";", "1: store: My Store: a store's name has [a-z0-9_-]"},
		{"a store's name has 32 of them at most", "store = \"aaaaaaaaaabbbbbbbbbbccccccccccdddddd\";", "1: store: aaaaaaaaaabbbbbbbbbbccccccccccdddddd: a store's name"},
		{"a path in stores is absolute", "stores = { mine = \"mine.so\"; };", "1: stores.mine: mine.so: wants"},
		{"a path is no relative one", "state_dir = \"state\";", "1: state_dir: state: wants a path that begins with / or ~/"},
		{"a default_client has to be there", "clients = { a = { client_id = \"x\"; }; b = { client_id = \"y\"; }; };\ndefault_client = \"c\";",
		 "2: default_client: c: there is no such group in clients; there are: a, b"},
		{"a time-out that outlives the lease is refused", "refresh = { lock_timeout = 40;\n timeout = 40; };",
		 "2: refresh.timeout: timeout (40) must be less than lock_timeout (40, "},
		{"a time-out that outlives the default lease is refused", "refresh = { timeout = 60; };",
		 "1: refresh.timeout: timeout (60) must be less than lock_timeout (60, the default)"},
		{"a lease shorter than the default time-out is refused", "refresh = { lock_timeout = 30; };",
		 "1: refresh.lock_timeout: timeout (30) must be less than lock_timeout (30); the default of timeout is 30"},
		{"a relative include is refused", "store = \"list\";\n@include \"other.conf\"\n", "2: @include wants an absolute path"},
		{"an include within a line is refused", "store = \"list\"; @include \"/etc/passwd\"\n", "1: '@' outside a string"},
		{"an include that isn't there is named", "\n@include \"/nowhere/tokeep.conf\"\n", "2: @include: /nowhere/tokeep.conf: No such file or directory"},
		{"a string that doesn't end is told where it begins", "\nstore = \"list;\nrefresh = {};\n", "2: a string begins here and does not end"},
		{"a comment that doesn't end is told where it begins", "\n\n/* store = \"list\";\n\n", "3: a comment begins here and does not end"},
		{"a bracket too many is told where it stands", "store = \"list\";\nrefresh = {};\n};\n", "3: a bracket is closed that was not opened"},
		{"a byte order mark is refused", "\xef\xbb\xbfstore = \"list\";", "1: a byte order mark"},
		{"a secret given twice is refused", "clients = { a = { client_id = \"x\"; client_secret_env = 3; }; };",
		 "1: clients.a.client_secret_env: wants a string in quotes"},
		{"a command has a program", "mysql = { password_command = []; };", "1: mysql.password_command: wants an array, the program"},
		{"a command is an array", "clients = { a = { client_secret_command = \"pass crm\"; }; };",
		 "1: clients.a.client_secret_command: wants an array, the program"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refused_at(cases[i].text, cases[i].why, cases[i].sentence);
}

static void nesting_without_end_is_refused(void)
{
	char *deep = malloc(200001);

	for (int i = 0; i < 50000; i++)
		memcpy(deep + 4 * i, "a={\n", 4);
	deep[200000] = '\0';
	refused_at(deep, "33: groups are nested too deeply", "nesting without end is refused");
	free(deep);
}

static void a_group_without_end_is_refused(void)
{
	char *wide = malloc(250000);
	size_t n = snprintf(wide, 250000, "list = {\n");

	for (int i = 0; i < 20000; i++)
		n += snprintf(wide + n, 250000 - n, "a%x=1;%s", i, i == 4999 ? "\n" : "");
	snprintf(wide + n, 250000 - n, "};");
	alarm(10);
	refused_at(wide, "3: more than 5000 settings in one group", "so is a group without end");
	alarm(0);
	free(wide);
}

static void a_whole_configuration_is_understood(void)
{
	static const char text[] =
		"# 3000000000 in a comment, // and @include, count for nothing\n"
		"/* nor here: 0600 \"\n"
		" */ store = \"mine\"; stores = { mine = \"/opt/x/mine.so\"; };\n"
		"mine = { colour = \"blue\"; depth = 3; ratio = 0.5; on = true; wide = 3000000000L; };\n"
		"mysql : { host = \"localhost\", password_file = \"~/mysql\" };\n"
		"clients = { crm = { client_id = \"1000.\" \"X\"; provider = \"zoho\"; }; };\n"
		"default_client = \"crm\";\n"
		"refresh = { leeway = 0; timeout = 0x10; lock_timeout = 3600; };\n"
		"policy = { max_age = 9007199254740992L; idle = 5; };\n"
		"state_dir = \"~/state\";\n"
		"network = { proxy = \"\"; ca_file = \"~/ca.pem\"; ca_path = \"\"; };\n";
	const struct setting *group;

	if (!is_int(read_conf(text), 0, "a whole configuration is read")) {
		printf("# %s\n", error_text(&err));
		return;
	}
	is_str(conf.store, "mine", "the store's word");
	is_int(conf.store_setting->line, 3, "the line where it stands");
	is_str(conf_store_path(&conf, "mine"), "/opt/x/mine.so", "a name of stores has a path");
	is_str(conf_store_path(&conf, "/a/b.so"), "/a/b.so", "a path is its own");
	ok(!conf_store_path(&conf, "sqlite"), "a bare name has none");
	group = conf_store_group(&conf, "mine");
	is_str(setting_member(group, "depth")->text, "3", "a number is text to a store");
	is_str(setting_member(group, "ratio")->text, "0.5", "so is a fraction");
	is_str(setting_member(group, "wide")->text, "3000000000", "so is a long number");
	is_str(setting_member(group, "on")->text, "true", "so is true");
	ok(conf_store_group(&conf, "/elsewhere/mine.so") == group, "a path's options are the group of its base name");
	ok(!conf_store_group(&conf, "memory"), "a store without options has no group");
	is_int(conf.leeway_s, 0, "leeway");
	is_int(conf.timeout_s, 16, "hexadecimal is a number, too");
	is_int(conf.lock_timeout_s, 3600, "lock_timeout");
	is_int(conf.max_age_s, 9007199254740992, "an age of 2^53");
	is_int(conf.idle_s, 5, "idle");
	is_str(conf.state_dir, "/home/alice/state", "~/ is the home");
	is_str(conf.ca_file, "/home/alice/ca.pem", "~/ is the home in ca_file, too");
	ok(!conf.proxy && !conf.ca_path, "\"\" is not given");
	is_str(setting_member(setting_member(setting_member(conf.root, "clients"), "crm"), "client_id")->text, "1000.X",
	       "strings side by side are one");
}

static void without_a_word_all_is_default(void)
{
	is_int(read_conf(""), 0, "an empty file is a configuration");
	is_str(conf.store, "sqlite", "the store is sqlite");
	ok(!conf.store_setting && !conf.default_client, "nothing is made up as if it had been said");
	is_str(setting_member(conf_store_group(&conf, "sqlite"), "path")->text, "/home/alice/.local/state/tokeep/tokens.db",
	       "sqlite's path is below ~/.local/state");
	is_str(setting_member(conf_store_group(&conf, "file"), "path")->text, "/home/alice/.local/state/tokeep/tokens.csv",
	       "so is that of file");
	is_str(conf.state_dir, "/home/alice/.local/state/tokeep", "so is the state");
	is_int(conf.leeway_s, 60, "leeway is a minute");
	is_int(conf.timeout_s, 30, "timeout is half a minute");
	is_int(conf.lock_timeout_s, 60, "a lease is a minute");
	is_int(conf.max_age_s + conf.idle_s, 0, "no policy");
	read_conf("sqlite = { journal = \"wal\"; };");
	is_str(setting_member(conf_store_group(&conf, "sqlite"), "path")->text, "/home/alice/.local/state/tokeep/tokens.db",
	       "a group without a path gets it");
	read_conf("sqlite = { path = \"/srv/t.db\"; };");
	is_str(setting_member(conf_store_group(&conf, "sqlite"), "path")->text, "/srv/t.db", "a path that is said stays");
}

static void a_group_may_have_a_stores_name(void)
{
	is_int(read_conf("file = {}; sqlite = {}; mysql = {}; memory = {}; list = {};"), 0, "every store that comes with tokeep");
	is_int(read_conf("store = \"/opt/x/redis.so\"; redis = { url = \"x\"; };"), 0, "the base name of the selected path");
	is_int(read_conf("stores = { other = \"/opt/x/redis.so\"; }; other = { url = \"x\"; };"), 0, "a name of stores");
	write_file(in("acme.so"), "", 0, 0644);
	setenv("TOKEEP_LIBDIR", folder, 1);
	is_int(read_conf("acme = { url = \"x\"; };"), 0, "an installed shared object");
	unsetenv("TOKEEP_LIBDIR");
	refused_at("acme = { url = \"x\"; };", "1: acme: unknown key", "not one that isn't installed");
	refused_at("acme = 1;", "1: acme: unknown key", "not a scalar");
}

static void refused_file(const char *why, const char *sentence)
{
	conf_free(&conf);
	error_clear(&err);
	if (conf_read(&conf, path, &err) != TOKEEP_ECONFIG)
		ok(0, "%s (it was read)", sentence);
	else
		has_str(error_text(&err), why, sentence);
}

static void with_mode(mode_t mode)
{
	write_file(path, "store = \"list\";", 15, mode);
}

static void who_may_write_it_is_looked_at(void)
{
	const char *sub = in("open");

	with_mode(0620);
	refused_file("its group may write it; run: chmod go-w /tmp/", "a file that its group may write");
	with_mode(0602);
	refused_file("everybody may write it; run: chmod go-w /tmp/", "a file that everybody may write");
	with_mode(0644);
	is_int(conf_read(&conf, path, &err), 0, "others may read it");
	conf_free(&conf);

	mkdir(sub, 0700);
	snprintf(path, sizeof(path), "%s/tokeep.conf", sub);
	with_mode(0600);
	chmod(sub, 0777);
	refused_file("/open and replace it; run: chmod o-w", "a folder that everybody may write into");
	chmod(sub, 01777);
	is_int(conf_read(&conf, path, &err), 0, "a sticky one is fine");
	conf_free(&conf);
	if (geteuid()) {
		skip("a file of another user", "only root can make one");
		skip("a folder that a foreign group may write into", "only root can make one");
	} else {
		chmod(sub, 0770);
		if (chown(sub, 65534, 65534))
			perror("chown");
		refused_file("a group may write into the folder", "a folder that a foreign group may write into");
		chmod(sub, 0755);
		if (chown(path, 65534, 65534))
			perror("chown");
		refused_file("belongs to user 65534", "a file of another user");
	}
	unlink(path);
	rmdir(sub);
}

static void what_is_no_file_is_refused_at_once(void)
{
	struct stat st;

	alarm(10); /* a FIFO must not hang us */
	mkfifo(path, 0600);
	refused_file("is not a regular file", "a FIFO");
	unlink(path);
	mkdir(path, 0700);
	refused_file("is a folder, not a file", "a folder");
	rmdir(path);
	refused_file("No such file or directory", "a file that isn't there");
	if (symlink("/dev/null", path))
		perror("symlink");
	refused_file("is not a regular file", "a link to a device");
	unlink(path);
	if (symlink("/nowhere/tokeep.conf", path))
		perror("symlink");
	refused_file("No such file or directory", "a link to nowhere");
	unlink(path);
	write_file(in("dotfile"), "store = \"list\";", 15, 0600);
	if (symlink("dotfile", path))
		perror("symlink");
	is_int(conf_read(&conf, path, &err), 0, "a link to a file is followed");
	ok(!lstat(path, &st) && S_ISLNK(st.st_mode), "and stays a link");
	unlink(path);
	alarm(0);
}

static void bytes_that_do_not_belong_are_refused(void)
{
	static const char nul[] = "store = \"li\0st\";\n", late[] = "store = \"list\";\n\0";
	char *large = malloc(300000);

	write_file(path, nul, sizeof(nul) - 1, 0600);
	refused_file("a NUL byte", "a NUL in a string");
	write_file(path, late, sizeof(late) - 1, 0600);
	refused_file(":2: a NUL byte", "a NUL behind the end");
	memset(large, ' ', 300000);
	write_file(path, large, 256 * 1024, 0600);
	is_int(conf_read(&conf, path, &err), 0, "256 KiB are read");
	conf_free(&conf);
	write_file(path, large, 256 * 1024 + 1, 0600);
	refused_file("has 262145 bytes, more than 262144", "a byte more is not");
	free(large);
}

static void includes_are_files_like_any_other(void)
{
	char text[512];

	snprintf(text, sizeof(text), "# one\n\tstore = \"list\";\n  @include \"%s\" refresh = {\n leeway = -1; };\n", in("part"));
	write_file(in("part"), "policy = { idle = 7; };\n\nmysql = {\n  port = 1; }", 48, 0644);
	refused_at(text, "4: refresh.leeway: -1", "lines behind an include are the file's own");
	snprintf(text, sizeof(text), "@include \"%s\"\nstore = \"list\";", in("part"));
	is_int(read_conf(text), 0, "an absolute include is read");
	is_int(conf.idle_s, 7, "and counts");
	is_str(setting_member(setting_member(conf.root, "mysql"), "port")->file, in("part"), "its settings know its name");
	is_int(setting_member(setting_member(conf.root, "mysql"), "port")->line, 4, "and their line in it");
	is_int(setting_member(conf.root, "store")->line, 2, "the file's own know theirs");

	write_file(in("part"), "\nleeway = 1;", 12, 0644);
	read_conf(text);
	has_str(error_text(&err), in("part:2: leeway: unknown key"), "a wrong key is told with the included file");
	write_file(in("part"), "\nx = {", 6, 0644);
	read_conf(text);
	has_str(error_text(&err), "syntax error", "a syntax error, too");
	write_file(in("part"), "mysql = { password = \"hush\"; };", 31, 0644);
	read_conf(text);
	has_str(error_text(&err), "part:1: mysql.password: others may read this file", "the included file's mode counts for its secrets");
	chmod(in("part"), 0666);
	read_conf(text);
	has_str(error_text(&err), ":1: @include: ", "an include that others may write: where it is included");
	has_str(error_text(&err), "part: everybody may write it", "and why not");

	write_file(in("part"), text, strlen(text), 0600);
	read_conf(text);
	has_str(error_text(&err), "part:1: @include: ", "a loop is found where it closes");
	has_str(error_text(&err), "part: the file includes itself", "and told");
}

static void a_secret_that_others_may_read_is_refused(void)
{
	static const char *const texts[] = {
		"clients = { a = { client_id = \"x\";\nclient_secret = \"hush\"; }; };",
		"mysql = {\npassword = \"hush\"; };",
		"list = {\napi_secret = \"hush\"; };",
		"list = {\ntoken = \"hush\"; };",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		is_int(read_conf(texts[i]), 0, "a secret in a private file is read");
		chmod(path, 0640);
		refused_file("others may read this file and the secret in it; run: chmod 600 /tmp/", "in one that a group may read it is refused");
		has_str(error_text(&err), ":2: ", "with its line");
		ok(!strstr(error_text(&err), "hush"), "without the secret");
	}
}

/* The secret of clients.a, given by the text of its form. */
static int secret_of(const char *form, char **value)
{
	char text[512];

	snprintf(text, sizeof(text), "clients = { a = { client_id = \"x\"; %s }; };", form);
	error_clear(&err);
	if (read_conf(text)) {
		printf("# %s\n", error_text(&err));
		return 1;
	}
	return setting_secret(setting_member(setting_member(conf.root, "clients"), "a"), "client_secret", value, &err);
}

static void secret_is(const char *form, const char *want, const char *sentence)
{
	char *value = NULL;

	if (secret_of(form, &value))
		printf("# %s\n", error_text(&err));
	is_str(value, want, sentence);
	secret_free(value);
}

static void secret_refused(const char *form, const char *why, const char *sentence)
{
	char *value = NULL;

	if (is_int(secret_of(form, &value), TOKEEP_ECONFIG, sentence))
		has_str(error_text(&err), why, "and told why");
	ok(!strstr(error_text(&err), "hush"), "without the secret");
	secret_free(value);
}

static void a_secret_comes_in_four_forms(void)
{
	char form[256];
	struct timeval before, after;

	secret_is("", NULL, "none");
	secret_is("client_secret = \"hush\";", "hush", "inline");
	secret_is("client_secret = \"\";", NULL, "\"\" is none");
	setenv("TEST_SECRET", "hush from env", 1);
	secret_is("client_secret_env = \"TEST_SECRET\";", "hush from env", "from a variable");
	secret_refused("client_secret_env = \"NO_SUCH_SECRET\";", "the variable NO_SUCH_SECRET is not set", "a variable that isn't set");
	snprintf(form, sizeof(form), "client_secret_file = \"%s\";", in("secret"));
	write_file(in("secret"), "hush\n", 5, 0600);
	secret_is(form, "hush", "from a file, less one newline");
	write_file(in("secret"), " hush ", 6, 0600);
	secret_is(form, " hush ", "from a file without one");
	write_file(in("secret"), "hush\n\n", 6, 0600);
	secret_refused(form, "has NUL, CR or LF", "a file with two");
	write_file(in("secret"), "", 0, 0600);
	secret_refused(form, "there is nothing in it", "an empty file");
	write_file(in("secret"), "hush\n", 5, 0644);
	secret_refused(form, "/secret: ", "a file that others may read");
	unlink(in("secret"));
	secret_refused(form, "/secret: ", "a file that isn't there");
	secret_is("client_secret_command = [\"printf\", \"%s\\n\", \"hush 'quoted' $HOME\"];", "hush 'quoted' $HOME",
		  "from a command, without a shell");
	secret_is("client_secret_command = [\"/bin/sh\", \"-c\", \"read x || printf hush\"];", "hush", "which has no input");
	secret_refused("client_secret_command = [\"/bin/sh\", \"-c\", \"echo hush; exit 3\"];", "/bin/sh: failed with exit status 3",
		       "a command that fails");
	secret_refused("client_secret_command = [\"/bin/sh\", \"-c\", \"kill -9 $$\"];", "/bin/sh: ended by signal 9", "one that is killed");
	secret_refused("client_secret_command = [\"/nowhere/no-such-program\"];", "/nowhere/no-such-program: ", "one that isn't there");
	secret_refused("client_secret_command = [\"bin/pass\"];", "wants an absolute path", "one with a relative path");
		secret_refused("client_secret_command = [\"true\"];", "there is nothing in it", "one that says nothing");
	secret_refused("client_secret_command = [\"head\", \"-c\", \"100000\", \"/dev/zero\"];", "gives more than 64 KiB", "one that says too much");
	secret_refused("client_secret_command = [\"yes\"];", "gives more than 64 KiB", "one that never ends");
	gettimeofday(&before, NULL);
	secret_is("client_secret_command = [\"sh\", \"-c\", \"sleep 0.2; echo hush\"];", "hush", "a slow one");
	gettimeofday(&after, NULL);
	ok(after.tv_sec - before.tv_sec < 5, "is not waited for longer than it takes");
	secret_refused("client_secret = \"hush\"; client_secret_file = \"/x\";", "is given in line 1 of", "two forms at once");
}

/* "#key" and "#  more" show a configuration; "# Words" are for people. */
static int shown(const char *line)
{
	return *line == '#' && (line[1] != ' ' || line[2] == ' ');
}

/* conf/tokeep.conf with what it shows made real. */
static void the_installed_file_shows_what_works(void)
{
	const char *source = getenv("srcdir");
	char name[256], line[512], text[8192] = "";
	size_t size = 0;
	FILE *file;

	snprintf(name, sizeof(name), "%s/../conf/tokeep.conf", source ? source : ".");
	file = fopen(name, "r");
	if (!file) {
		skip("the installed file shows what works", "run by hand without srcdir");
		return;
	}
	while (fgets(line, sizeof(line), file) && size + sizeof(line) < sizeof(text))
		size += snprintf(text + size, sizeof(text) - size, "%s", line + shown(line));
	fclose(file);
	if (!is_int(read_conf(text), 0, "the installed file shows what works"))
		printf("# %s\n", error_text(&err));
	ok(conf_store_group(&conf, "mysql") && conf.default_client, "and shows all of it");
}

int main(void)
{
	umask(022);
	setvbuf(stdout, NULL, _IOLBF, 0); /* what was found stays visible after a crash */
	if (!mkdtemp(folder)) {
		perror(folder);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/tokeep.conf", folder);
	setenv("HOME", "/home/alice", 1);
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("TOKEEP_LIBDIR");

	what_is_wrong_is_told_with_file_and_line();
	nesting_without_end_is_refused();
	a_group_without_end_is_refused();
	a_whole_configuration_is_understood();
	without_a_word_all_is_default();
	a_group_may_have_a_stores_name();
	bytes_that_do_not_belong_are_refused();
	includes_are_files_like_any_other();
	a_secret_that_others_may_read_is_refused();
	a_secret_comes_in_four_forms();
	the_installed_file_shows_what_works();
	unlink(path);
	what_is_no_file_is_refused_at_once();
	who_may_write_it_is_looked_at();

	conf_free(&conf);
	error_clear(&err);
	unlink(in("part"));
	unlink(in("acme.so"));
	unlink(in("dotfile"));
	unlink(in("tokeep.conf"));
	if (rmdir(folder))
		perror(folder);
	return done();
}
