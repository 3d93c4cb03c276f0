/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_sqlite_failures.c: a token that `sqlite` has saved is there whatever fails: kill, full disk, damage, a second
 * program, a fork.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "sqlite_files.h"

#define NOBODY 65534

/*
 * What fails
 */

static void waiting_ends(void)
{
	struct store s;
	sqlite3 *other;

	fresh(&s, "");
	save(&s, NULL, token(USER, "alice", ACCESS, "a1", END));
	sqlite3_open(database, &other);
	sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	is_int(save(&s, NULL, token(USER, "alice", ACCESS, "a2", END)), TOKEEP_ESTORE,
	       "a database that somebody holds is waited for only so long");
	has_str(said(&s), "held by another process for 1 s", "the message says so");
	has_str(said(&s), "run: fuser -v ", "and how to see who it is");
	is_str(found(&s, ACCESS, token(USER, "alice", END)), "a1", "reading goes on");
	sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(other);
	is_int(save(&s, NULL, token(USER, "alice", ACCESS, "a2", END)), 0, "afterwards it is saved");
	store_close(&s);
}

static int save_and_probe_fail(void *data)
{
	struct tokeep_token t = token(ID, "1", ACCESS, "a2", END);
	struct store s;

	if (getuid() == 0 && (setgid(NOBODY) || setuid(NOBODY)))
		return 1;
	open_store(&s, "");
	if (strcmp(found(&s, ACCESS, token(USER, "alice", END)), "a1"))
		return 2;
	if (backend_probe(s.be, &t) != TOKEEP_ESTORE || !strstr(said(&s), "namei -l"))
		return 3;
	return backend_save(s.be, &t) == TOKEEP_ESTORE && strstr(said(&s), "namei -l") ? 0 : 4;
}

static void own(const char *path)
{
	if (getuid() == 0)
		chown(path, NOBODY, NOBODY);
}

static void what_may_not_be_written_is_read(void)
{
	struct store s;

	fresh(&s, "");
	save(&s, NULL, token(USER, "alice", ACCESS, "a1", END));
	store_close(&s);
	own(folder);
	own(in_folder("sub"));
	own(database);
	chmod(database, 0400);
	is_int(in_child(save_and_probe_fail, NULL), 0, "a read-only file is read; a probe and a save fail with words");
	chmod(database, 0600);
	chmod(in_folder("sub"), 0500);
	is_int(in_child(save_and_probe_fail, NULL), 0, "so is a file in a read-only folder");
	chmod(in_folder("sub"), 0700);
	if (getuid() == 0) {
		chown(folder, 0, 0);
		chown(in_folder("sub"), 0, 0);
		chown(database, 0, 0);
	}
}

static void a_probe_changes_nothing(void)
{
	struct tokeep_token t = token(ID, "1", ACCESS, "a much longer token than before", REFRESH, "r2", END);
	char *before, *after;
	size_t n, m;
	struct store s;

	fresh(&s, "");
	save(&s, NULL, token(USER, "alice", ACCESS, "a1", REFRESH, "r1", END));
	before = slurp(database, &n);
	is_int(backend_probe(s.be, &t), 0, "what can be saved passes");
	after = slurp(database, &m);
	ok(n == m && !memcmp(before, after, n), "and the file is as it was, byte for byte");
	is_str(found(&s, ACCESS, token(USER, "alice", END)), "a1", "so is the token");
	free(before);
	free(after);
	token_clear(&t);
	store_close(&s);
}

/* All but so many bytes. */
static void fill(const char *path, off_t spare)
{
	static char block[4096];
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	while (write(fd, block, sizeof(block)) > 0 || write(fd, block, 1) > 0)
		;
	if (ftruncate(fd, lseek(fd, 0, SEEK_END) - spare))
		exit(1);
	close(fd);
}

static int entries(const char *path)
{
	int n = 0;
	char command[700];
	FILE *f;

	snprintf(command, sizeof(command), "ls -A '%s' | wc -l", path);
	f = popen(command, "r");
	if (fscanf(f, "%d", &n) != 1)
		n = -1;
	pclose(f);
	return n;
}

static void a_full_disk_loses_nothing(void)
{
	static char large[60000];
	struct tokeep_token t = token(ID, "1", ACCESS, "a2", END);
	struct store s;

	wipe_out();
	mkdir(in_folder("sub"), 0700);
	if (mount("tokeep-test", in_folder("sub"), "tmpfs", 0, "size=300k,mode=0700")) {
		skip("a full disk loses nothing", "needs a mount, which needs root");
		token_clear(&t);
		return;
	}
	open_store(&s, "");
	save(&s, NULL, token(USER, "alice", ACCESS, "a1", END));
	fill(in_folder("sub/ballast"), 28 << 10);
	memset(large, 'x', sizeof(large) - 1);
	tokeep_token_set(&t, REFRESH, large);
	is_int(backend_probe(s.be, &t), TOKEEP_ESTORE, "a probe finds too little space for what is to come");
	fill(in_folder("sub/ballast"), 0);
	is_int(backend_probe(s.be, &t), TOKEEP_ESTORE, "and a full disk");
	is_int(backend_save(s.be, &t), TOKEEP_ESTORE, "a save fails");
	has_str(said(&s), "no space left", "with the reason");
	is_str(found(&s, ACCESS, token(USER, "alice", END)), "a1", "the old token is intact");
	store_close(&s);
	is_int(entries(in_folder("sub")), 2, "no stray file is left");
	unlink(in_folder("sub/ballast"));
	open_store(&s, "");
	is_int(backend_save(s.be, &t), 0, "with space again it is saved");
	store_close(&s);
	token_clear(&t);
	umount(in_folder("sub"));
}

static int save_in_a_loop(void *data)
{
	struct store s;
	char value[40];
	int fd = *(int *)data;

	open_store(&s, "");
	for (int i = 0;; i++) {
		snprintf(value, sizeof(value), "%d", i);
		if (save(&s, NULL, token(USER, "alice", ACCESS, value, REFRESH, value, END)))
			return 1;
		if (write(fd, &i, sizeof(i)) != sizeof(i)) /* acknowledged */
			return 1;
	}
}

/* Kills a saver `wait_us` after its first save; the last value it was told to be saved. */
static int kill_a_saver(int wait_us)
{
	int ends[2], last, n;
	pid_t pid;

	if (pipe(ends))
		exit(1);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(save_in_a_loop(&ends[1]));
	close(ends[1]);
	if (read(ends[0], &last, sizeof(last)) != sizeof(last))
		exit(1);
	usleep(wait_us);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while (read(ends[0], &n, sizeof(n)) == sizeof(n))
		last = n;
	close(ends[0]);
	return last;
}

static void kills_lose_nothing(void)
{
	int lost = 0, broken = 0, saves = 0;
	struct store s;

	fresh(&s, "");
	for (int i = 0; i < 100; i++) {
		char user[20];

		snprintf(user, sizeof(user), "other-%d", i);
		save(&s, NULL, token(USER, user, ACCESS, user, END));
	}
	save(&s, NULL, token(USER, "alice", ACCESS, "0", REFRESH, "0", END));
	for (int i = 0; i < 200; i++) {
		int last = kill_a_saver(i * 977 % 29000);
		const char *value = found(&s, ACCESS, token(USER, "alice", END));

		saves += last + 1;
		lost += *value == '(' || atoi(value) < last;
		broken += rows(&s) != 101;
	}
	is_int(lost, 0, "kill -9 of a saver loses no token that was saved");
	is_int(broken, 0, "and no other");
	printf("# 200 kills, %d saves\n", saves);
	store_close(&s);
}

/* 0: error or the right record. */
static int find_in_damage(void *data)
{
	struct tokeep_token t = token(USER, "user-33", END);
	struct rlimit limit = { 10, 10 };
	struct store s;
	int r;

	setrlimit(RLIMIT_CPU, &limit);
	open_store(&s, "");
	r = backend_find(s.be, &t);
	if (!r && strcmp(t.value[USER], "user-33"))
		return 1;
	rows(&s);
	save(&s, NULL, token(USER, "user-34", ACCESS, "new", END));
	store_close(&s);
	return 0;
}

static void damage_is_an_error_not_a_crash(void)
{
	char *sound, *bytes;
	size_t size;
	struct store s;
	int bad = 0;

	fresh(&s, "");
	backend_begin(s.be);
	for (int i = 0; i < 200; i++) {
		char user[20];

		snprintf(user, sizeof(user), "user-%d", i);
		save(&s, NULL, token(USER, user, ACCESS, user, REFRESH, user, END));
	}
	backend_commit(s.be, 1);
	store_close(&s);
	sound = slurp(database, &size);
	bytes = malloc(size);
	srand(1);
	for (int i = 0; i < 150; i++) {
		memcpy(bytes, sound, size);
		for (int k = 0; k < 1 + i % 20; k++)
			bytes[(size_t)rand() % (i % 2 ? size : 4096)] ^= 1 << rand() % 8;
		spill(database, bytes, i % 5 ? size : (size_t)rand() % size);
		bad += in_child(find_in_damage, NULL) != 0;
		unlink(in_folder("sub/tokens.db-journal"));
	}
	is_int(bad, 0, "a damaged database gives an error or the right token");
	free(sound);
	free(bytes);
}

/*
 * Others
 */

static int save_fifty(void)
{
	struct store s;
	char user[40];
	int r = 0;

	open_store(&s, "timeout = 30; journal = \"wal\";");
	for (int i = 0; !r && i < 50; i++) {
		snprintf(user, sizeof(user), "%d-%d", (int)getpid(), i);
		r = save(&s, NULL, token(USER, user, ACCESS, "a", END));
	}
	if (r)
		printf("# %s\n", said(&s));
	fflush(stdout);
	return r ? 1 : 0;
}

static void log_mode_serves_several(void)
{
	pid_t pid[4];
	int status, well = 0;
	struct store s;

	fresh(&s, "timeout = 30; journal = \"wal\";");
	fflush(stdout);
	for (int i = 0; i < 4; i++)
		if (!(pid[i] = fork()))
			_exit(save_fifty());
	for (int i = 0; i < 4; i++)
		well += waitpid(pid[i], &status, 0) == pid[i] && !status;
	is_int(well, 4, "four processes make a database with a write-ahead log at once");
	is_int(rows(&s), 200, "and lose nothing");
	store_close(&s);
}

/* Two pipes, so that each waits for the other. */
struct turns {
	struct store *s;
	int mine[2], theirs[2];
};

static int save_after_the_parent(struct turns *t)
{
	int r;

	my_turn(t->theirs[0]);
	if (strcmp(found(t->s, ACCESS, token(USER, "alice", END)), "a1"))
		return 1;
	next_turn(t->mine[1]);
	my_turn(t->theirs[0]); /* the parent has closed it */
	r = save(t->s, NULL, token(USER, "alice", ACCESS, "a2", END));
	store_close(t->s);
	return r ? 2 : 0;
}

/* As a daemon does: open, fork, the parent ends. */
static void a_child_outlives_its_parent(const char *journal)
{
	struct turns t;
	struct store s;
	char more[80];
	int status;
	pid_t pid;

	snprintf(more, sizeof(more), "journal = \"%s\";", journal);
	fresh(&s, more);
	save(&s, NULL, token(USER, "alice", ACCESS, "a1", END));
	t.s = &s;
	if (pipe(t.mine) || pipe(t.theirs))
		exit(1);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(save_after_the_parent(&t));
	next_turn(t.theirs[1]);
	my_turn(t.mine[0]);
	store_close(&s);
	next_turn(t.theirs[1]);
	waitpid(pid, &status, 0);
	is_int(status, 0, "a child goes on with the store after its parent has closed it");
	open_store(&s, "");
	ok(!strcmp(found(&s, ACCESS, token(USER, "alice", END)), "a2"), "and what it saved is there (%s)", journal);
	store_close(&s);
}

int main(void)
{
	in_folder_of_its_own();
	waiting_ends();
	what_may_not_be_written_is_read();
	a_probe_changes_nothing();
	a_full_disk_loses_nothing();
	kills_lose_nothing();
	damage_is_an_error_not_a_crash();
	log_mode_serves_several();
	a_child_outlives_its_parent("delete");
	a_child_outlives_its_parent("wal");
	return done();
}
