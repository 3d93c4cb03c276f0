/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_conf_places.c: which configuration file is in use. Compiles conf.c anew with a system folder of its own,
 * ./etc below the test's folder, and, as root, runs itself setuid to see that no variable counts then.
 */
#include <config.h>
#undef TOKEEP_SYSCONFDIR
#undef TOKEEP_LOCALSTATEDIR
#define TOKEEP_SYSCONFDIR "etc"
#define TOKEEP_LOCALSTATEDIR "/system/var"
#include "conf.c"

#include <fcntl.h>
#include <sys/wait.h>
#include "tap.h"

static char folder[64] = "/tmp/tokeep-places.XXXXXX";
static struct conf conf;
static struct error err = {.retry_after_s = -1};

static void write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd)) {
		perror(name);
		exit(1);
	}
}

static int read_conf(const char *path)
{
	int r;

	conf_free(&conf);
	error_clear(&err);
	r = conf_read(&conf, path, &err);
	if (r)
		printf("# %s\n", error_text(&err));
	return r;
}

static const char *sqlite_path(void)
{
	const struct setting *path = setting_member(conf_store_group(&conf, "sqlite"), "path");

	return path ? path->text : NULL;
}

static const char *option(const char *name)
{
	static char full[256];

	snprintf(full, sizeof(full), "%s/%s", folder, name);
	return full;
}

static void the_first_of_the_places_is_read(void)
{
	is_int(read_conf(NULL), 0, "without any file all is well");
	ok(!conf.file, "and none is in use");
	is_str(sqlite_path(), option("home/.local/state/tokeep/tokens.db"), "tokens are below the home");

	write_file("etc/tokeep/tokeep.conf", "# as installed\n");
	is_int(read_conf(NULL), 0, "the system's file is the last place");
	is_str(conf.file, "etc/tokeep/tokeep.conf", "and is in use");
	is_str(sqlite_path(), option("home/.local/state/tokeep/tokens.db"), "as installed it sets nothing: tokens stay below the home");
	write_file("etc/tokeep/tokeep.conf", "refresh = { leeway = 11; };\n");
	read_conf(NULL);
	is_str(sqlite_path(), "/system/var/lib/tokeep/tokens.db", "where it sets something, tokens are the system's");
	is_str(conf.state_dir, "/system/var/lib/tokeep", "and so is the state");

	mkdir("home/.config", 0755);
	mkdir("home/.config/tokeep", 0755);
	write_file("home/.config/tokeep/tokeep.conf", "refresh = { leeway = 12; };\n");
	read_conf(NULL);
	is_int(conf.leeway_s, 12, "the user's own file comes before");
	is_str(conf.state_dir, option("home/.local/state/tokeep"), "with the state below the home");
	setenv("XDG_CONFIG_HOME", "relative", 1);
	read_conf(NULL);
	is_int(conf.leeway_s, 12, "a relative XDG_CONFIG_HOME does not count");
	mkdir("xdg", 0755);
	mkdir("xdg/tokeep", 0755);
	write_file("xdg/tokeep/tokeep.conf", "refresh = { leeway = 13; };\n");
	setenv("XDG_CONFIG_HOME", option("xdg"), 1);
	setenv("XDG_STATE_HOME", option("state"), 1);
	read_conf(NULL);
	is_int(conf.leeway_s, 13, "an absolute one does");
	is_str(conf.state_dir, option("state/tokeep"), "and XDG_STATE_HOME, too");

	write_file("var.conf", "refresh = { leeway = 14; };\n");
	setenv("TOKEEP_CONFIG", option("var.conf"), 1);
	read_conf(NULL);
	is_int(conf.leeway_s, 14, "TOKEEP_CONFIG comes before");
	write_file("arg.conf", "refresh = { leeway = 15; };\n");
	read_conf("arg.conf");
	is_int(conf.leeway_s, 15, "and a path that is given before all");
}

static void a_file_that_is_named_has_to_be_there(void)
{
	is_int(read_conf("none.conf"), TOKEEP_ECONFIG, "a path that names no file is refused");
	has_str(error_text(&err), "none.conf: No such file or directory", "with its name");
	setenv("TOKEEP_CONFIG", "/nowhere/none.conf", 1);
	is_int(read_conf(NULL), TOKEEP_ECONFIG, "so is TOKEEP_CONFIG");
	setenv("TOKEEP_CONFIG", "", 1);
	is_int(read_conf(NULL), 0, "an empty TOKEEP_CONFIG is none");
	unlink("xdg/tokeep/tokeep.conf");
	if (symlink("nowhere", "xdg/tokeep/tokeep.conf"))
		perror("symlink");
	is_int(read_conf(NULL), TOKEEP_ECONFIG, "a link to nowhere is not passed over");
	unlink("xdg/tokeep/tokeep.conf");
	write_file("xdg/tokeep/tokeep.conf", "store == 1;");
	is_int(read_conf(NULL), TOKEEP_ECONFIG, "nor is a broken file");
	unlink("xdg/tokeep/tokeep.conf");
}

/* What this program does when it is run again, setuid to another user, with the variables of the one who runs it. */
static void inside_setuid(void)
{
	struct setting *group;
	char *value = NULL;

	ok(places_secure(), "a setuid program knows that it is one");
	is_int(read_conf(NULL), 0, "it reads a configuration");
	is_str(conf.file, "etc/tokeep/tokeep.conf", "the system's, whatever the variables say");
	is_int(conf.leeway_s, 11, "which is in force");
	ok(strcmp(conf_libdir(), folder), "TOKEEP_LIBDIR does not count");
	ok(strcmp(conf_datadir(), folder), "nor does TOKEEP_DATADIR");
	ok(!conf_home() || strcmp(conf_home(), option("home")), "nor HOME");
	group = setting_member(conf.root, "mysql");
	is_int(setting_secret(group, "password", &value, &err), TOKEEP_ECONFIG, "nor a variable with a secret");
	conf_free(&conf);
	error_clear(&err);
	fflush(stdout);
	_exit(tap_failed != 0); /* no leak check, which can't look into a setuid process */
}

static void copy_self(const char *to)
{
	char block[65536];
	int from = open("/proc/self/exe", O_RDONLY), fd = open(to, O_WRONLY | O_CREAT, 0755);
	ssize_t n;

	while ((n = read(from, block, sizeof(block))) > 0)
		if (write(fd, block, n) != n)
			perror(to);
	if (fchown(fd, 65534, 65534) || fchmod(fd, 06755))
		perror(to);
	close(from);
	close(fd);
}

/* The lines of the child are not numbered on, so its exit status is the result, and they are shown where it failed. */
static void in_a_setuid_program_no_variable_counts(void)
{
	int status = 0, out;
	pid_t pid;

	if (geteuid()) {
		skip("in a setuid program no variable counts", "only root can make one for another user");
		return;
	}
	write_file("etc/tokeep/tokeep.conf", "refresh = { leeway = 11; };\nmysql = { password_env = \"HOME\"; };\n");
	setenv("TOKEEP_CONFIG", option("var.conf"), 1);
	setenv("TOKEEP_LIBDIR", folder, 1);
	setenv("TOKEEP_DATADIR", folder, 1);
	copy_self("setuid");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		out = open("setuid.out", O_WRONLY | O_CREAT, 0666);
		dup2(out, 1);
		execl("./setuid", "setuid", folder, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	if (!ok(WIFEXITED(status) && !WEXITSTATUS(status), "in a setuid program no variable counts")) {
		printf("#   exit %d\n", WEXITSTATUS(status));
		fflush(stdout);
		if (system("sed 's/^/#   /' setuid.out"))
			perror("sed");
	}
	unlink("setuid");
	unlink("setuid.out");
	unsetenv("TOKEEP_LIBDIR");
	unsetenv("TOKEEP_DATADIR");
}

static void make_folders(void)
{
	static const char *const names[] = {"home", "etc", "etc/tokeep"};

	if (!mkdtemp(folder) || chmod(folder, 0755) || chdir(folder)) {
		perror(folder);
		exit(1);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		mkdir(names[i], 0755);
}

int main(int argc, char *argv[])
{
	char command[128];

	if (argc == 2) {
		snprintf(folder, sizeof(folder), "%s", argv[1]);
		inside_setuid();
	}
	umask(022);
	setvbuf(stdout, NULL, _IOLBF, 0);
	make_folders();
	setenv("HOME", option("home"), 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_STATE_HOME");
	unsetenv("TOKEEP_CONFIG");
	the_first_of_the_places_is_read();
	a_file_that_is_named_has_to_be_there();
	in_a_setuid_program_no_variable_counts();
	conf_free(&conf);
	error_clear(&err);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	if (system(command))
		perror(command);
	return done();
}
