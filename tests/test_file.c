/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_file.c: the file store among others: who may read it, when it is made, what is left beside it, several writers,
 * SDKs that write in place, and that a saved token is there whatever fails: kill, full disk, any system call.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

#include "hostlock.h"
#include "store.h"

#define HEADER "id,user_name,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_url,api_domain\n"

static const char *path, *lock_path; /* FOLDER/sub/tokens.csv */

static int open_at(struct store *s, const char *where, const char *more)
{
	char config[1400];

	snprintf(config, sizeof(config), "store = \"file\"; file = { path = \"%s\"; %s };", where, more);
	return store_open(s, config);
}

static void open_store(struct store *s)
{
	if (!open_at(s, path, ""))
		return;
	printf("Bail out! %s\n", said(s));
	exit(1);
}

static void wipe_out(void)
{
	nftw(in_folder("sub"), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void fresh(struct store *s)
{
	wipe_out();
	open_store(s);
}

static int mode_of(const char *name)
{
	struct stat st;

	return lstat(name, &st) ? -errno : (int)(st.st_mode & 07777);
}

static void put_text(const char *name, const char *bytes)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, bytes, strlen(bytes)) != (ssize_t)strlen(bytes) || close(fd)) {
		perror(name);
		exit(1);
	}
}

static char *slurp(const char *name)
{
	FILE *f = fopen(name, "rb");
	char *bytes = calloc(1, 1 << 20);

	if (f && bytes && !fread(bytes, 1, (1 << 20) - 1, f))
		bytes[0] = '\0';
	if (f)
		fclose(f);
	return bytes;
}

/* What is in the folder besides the file and its lock file. */
static int strays(void)
{
	char command[400], text[20] = "";
	FILE *p;

	snprintf(command, sizeof(command), "ls -A '%s' 2>/dev/null | grep -cvxE 'tokens.csv(.lock)?'", in_folder("sub"));
	p = popen(command, "r");
	if (!p || !fgets(text, sizeof(text), p))
		perror(command);
	if (p)
		pclose(p);
	return strtol(text, NULL, 10);
}

static int set_access(struct store *s, const char *user, const char *access)
{
	return save(s, NULL, token(USER, user, ACCESS, access, REFRESH, "r", END));
}

/*
 * When and how it is made
 */

static void making(void)
{
	struct store s;
	mode_t mask;

	fresh(&s);
	is_str(found(&s, ID, token(USER, "alice", END)), "(-4)", "without a file nobody is found");
	is_int(rows(&s), 0, "and there are no tokens");
	is_int(backend_delete(s.be, "1"), TOKEEP_ENOTFOUND, "nor is there one to delete");
	is_int(backend_delete_tokens(s.be), 0, "deleting all does nothing");
	is_int(mode_of(in_folder("sub")), -ENOENT, "none of this makes a file or folder");
	for (int i = 0; i < 2; i++) {
		wipe_out();
		mask = umask(i ? 0777 : 0);
		is_int(set_access(&s, "alice", "a"), 0, i ? "the first save makes it, umask 0777" : "the first save makes it, umask 0");
		umask(mask);
		is_int(mode_of(path), 0600, "private");
		is_int(mode_of(lock_path), 0600, "its lock file, too");
		is_int(mode_of(in_folder("sub")), 0700, "in a private folder");
		is_str(found(&s, ACCESS, token(USER, "alice", END)), "a", "and the token is there");
	}
	is_int(strays(), 0, "with nothing beside them");
	store_close(&s);
}

static void options(void)
{
	static const struct {
		const char *where, *more, *says;
	} bad[] = {
		{ "tokens.csv", "", "path" },
		{ "/tmp/x", "columns = \"mine\";", "columns: must be \"own\" or \"zoho\"" },
		{ "/tmp/x", "timeout = -1;", "timeout: must be" },
		{ "/tmp/x", "timeout = \"soon\";", "timeout: must be" },
		{ "/tmp/x", "timeout = 3601;", "timeout: must be" },
	};
	struct store s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int r = open_at(&s, bad[i].where, bad[i].more);

		if (!r)
			r = backend_ready(s.be);
		is_int(r, TOKEEP_ECONFIG, "an option that can't be is refused");
		has_str(said(&s), bad[i].says, "by its name");
		store_close(&s);
	}
}

static void refused(struct store *s, const char *what, const char *says)
{
	char sentence[200];

	alarm(10); /* a FIFO must not make us wait */
	snprintf(sentence, sizeof(sentence), "%s is not read", what);
	is_str(found(s, ID, token(USER, "alice", END)), "(-10)", sentence);
	snprintf(sentence, sizeof(sentence), "%s: the message says why", what);
	has_str(said(s), says, sentence);
	snprintf(sentence, sizeof(sentence), "%s is not written", what);
	is_int(set_access(s, "alice", "b"), TOKEEP_ESTORE, sentence);
	snprintf(sentence, sizeof(sentence), "%s is not listed", what);
	is_int(rows(s), TOKEEP_ESTORE, sentence);
	alarm(0);
}

static void unfit_files(void)
{
	const char *target = in_folder("target");
	char *text;
	struct store s;

	fresh(&s);
	set_access(&s, "alice", "a");
	chmod(path, 0644);
	refused(&s, "a file that others may read", "run: chmod 600 ");
	chmod(path, 0620);
	refused(&s, "one that a group may write", "run: chmod 600 ");
	chmod(path, 0600);
	if (link(path, target))
		perror(target);
	refused(&s, "one with a second name", "hard link");
	unlink(path);
	if (symlink(target, path))
		perror(path);
	refused(&s, "a link", "symbolic link");
	text = slurp(target);
	has_str(text, ",alice,,,r,a,", "and what it points to is as it was");
	free(text);
	unlink(path);
	if (mkfifo(path, 0600))
		perror(path);
	refused(&s, "a FIFO", "FIFO");
	unlink(path);
	if (mkdir(path, 0700))
		perror(path);
	refused(&s, "a folder", "folder");
	rmdir(path);
	chmod(in_folder("sub"), 0777);
	is_int(set_access(&s, "alice", "a"), TOKEEP_ESTORE, "in a folder that others may write into nothing is saved");
	has_str(said(&s), "run: chmod o-w ", "and the message has the command");
	chmod(in_folder("sub"), 0700);
	unlink(target);
	store_close(&s);
}

static void what_a_crash_left(void)
{
	const char *stray = in_folder("sub/.tokens.csv.0123456789abcdef.tmp");
	struct store s;

	fresh(&s);
	set_access(&s, "alice", "a");
	put_text(stray, HEADER "1,alice,,,,secret,,,,\n");
	is_str(found(&s, ACCESS, token(USER, "alice", END)), "a", "what a crash left is not read");
	is_int(set_access(&s, "alice", "b"), 0, "the next save");
	is_int(mode_of(stray), -ENOENT, "removes it");
	put_text(stray, HEADER "1,alice,,,,secret,,,,\n");
	unlink(path);
	backend_delete_tokens(s.be);
	is_int(mode_of(stray), -ENOENT, "deleting all does, too, even without a file");
	put_text(lock_path, "last_id 99999999999999999999");
	is_int(set_access(&s, "alice", "b"), 0, "a lock file with torn text does no harm");
	is_str(found(&s, ID, token(USER, "alice", END)), "1", "and is not believed");
	store_close(&s);
}

/*
 * Several writers
 */

static int save_fifty(void *data)
{
	struct store s;
	char user[40];
	int lost = 0;

	open_store(&s);
	for (int i = 0; i < 50; i++) {
		snprintf(user, sizeof(user), "user-%ld-%d", (long)getpid(), i);
		lost += set_access(&s, user, user) != 0;
	}
	store_close(&s);
	return lost;
}

static void two_hundred(void)
{
	int status, lost = 0;
	struct store s;
	char *text;

	fresh(&s);
	fflush(stdout);
	for (int i = 0; i < 4; i++)
		if (!fork())
			_exit(save_fifty(NULL));
	while (wait(&status) > 0)
		lost += status;
	is_int(lost, 0, "four processes save fifty users each");
	is_int(rows(&s), 200, "and 200 are there");
	text = slurp(path);
	for (int i = 1; i <= 200; i++) {
		char id[20];

		snprintf(id, sizeof(id), "\n%d,", i);
		lost += !strstr(text, id);
	}
	is_int(lost, 0, "with 200 ids");
	free(text);
	is_int(strays(), 0, "and nothing beside the file");
	store_close(&s);
}

static void locked_out(void)
{
	struct store s;
	int fd;

	fresh(&s);
	set_access(&s, "alice", "a");
	store_close(&s);
	open_at(&s, path, "timeout = 0;");
	fd = hostlock_open(lock_path);
	is_int(hostlock_take(fd, 0, 0), 0, "while somebody else writes");
	is_int(set_access(&s, "alice", "b"), TOKEEP_ESTORE, "a save gives up in time");
	has_str(said(&s), lock_path, "and names the lock file");
	is_str(found(&s, ACCESS, token(USER, "alice", END)), "a", "reading needs no lock");
	close(fd);
	is_int(set_access(&s, "alice", "b"), 0, "afterwards it goes on");
	unlink(lock_path);
	is_int(set_access(&s, "alice", "c"), 0, "also when the lock file was deleted");
	store_close(&s);
}

static int save_bob(void *data)
{
	struct store s;
	int r;

	open_store(&s);
	r = set_access(&s, "bob", data);
	if (r)
		printf("# %s\n", said(&s));
	fflush(stdout);
	store_close(&s);
	return r != 0;
}

static void lock_file_deleted(void)
{
	struct store s;
	int old, new, status;
	pid_t pid;

	fresh(&s);
	set_access(&s, "alice", "a");
	old = hostlock_open(lock_path);
	hostlock_take(old, 0, 0);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(save_bob((void *)"b"));
	usleep(200000); /* it waits for the one */
	unlink(lock_path);
	new = hostlock_open(lock_path);
	hostlock_take(new, 0, 0);
	hostlock_release(old, 0); /* the child has the descriptor, too */
	close(old);
	usleep(200000);
	is_str(found(&s, ACCESS, token(USER, "bob", END)), "(-4)", "who waited for a lock file that was deleted waits for the new one");
	close(new);
	while (waitpid(pid, &status, 0) < 0)
		;
	is_int(status, 0, "and saves then");
	is_str(found(&s, ACCESS, token(USER, "bob", END)), "b", "what was to be saved");
	store_close(&s);
}

static void leases(void)
{
	struct store s, other;

	fresh(&s);
	set_access(&s, "alice", "a");
	open_store(&other);
	is_int(backend_lock(s.be, "alice", 0, 1000), 0, "a lease is taken");
	is_int(backend_lock(other.be, "alice", 50, 1000), TOKEEP_ESTORE, "no other handle gets it");
	is_int(backend_lock(other.be, "bob", 0, 1000), 0, "one for another record is free");
	is_int(backend_unlock(other.be, "bob"), 0, "and given back");
	is_int(set_access(&other, "alice", "b"), 0, "saving doesn't wait for leases");
	is_int(backend_unlock(s.be, "alice"), 0, "given back");
	is_int(backend_lock(other.be, "alice", 0, 1000), 0, "the other gets it");
	store_close(&other);
	is_int(backend_lock(s.be, "alice", 0, 1000), 0, "a handle that ends gives it back");
	backend_unlock(s.be, "alice");
	store_close(&s);
}

static void swapping(void)
{
	struct tokeep_token t = token(ID, "1", REFRESH, "r2", ACCESS, "b", END);
	struct store s;

	fresh(&s);
	set_access(&s, "alice", "a");
	is_int(backend_swap(s.be, &t, "other"), TOKEEP_ENOTFOUND, "a refresh token that somebody has replaced is not overwritten");
	is_str(found(&s, ACCESS, token(USER, "alice", END)), "a", "nothing is");
	is_int(backend_swap(s.be, &t, "r"), 0, "the one that was read is");
	is_str(found(&s, REFRESH, token(USER, "alice", END)), "r2", "by the new one");
	backend_delete(s.be, "1");
	is_int(backend_swap(s.be, &t, "r2"), TOKEEP_ENOTFOUND, "a row that went does not come back");
	token_clear(&t);
	store_close(&s);
}

static void probing(void)
{
	struct tokeep_token t = token(ID, "1", ACCESS, "aaaa", END);
	struct store s;
	char *before, *after;

	fresh(&s);
	set_access(&s, "alice", "a");
	before = slurp(path);
	is_int(backend_probe(s.be, &t), 0, "what could be saved is told");
	after = slurp(path);
	is_str(after, before, "and not done");
	is_int(strays(), 0, "nothing is left");
	chmod(path, 0640);
	is_int(backend_probe(s.be, &t), TOKEEP_ESTORE, "so is what could not");
	chmod(path, 0600);
	token_clear(&t);
	t = token(ID, "1", ACCESS, "a,b", END);
	is_int(backend_probe(s.be, &t), 0, "a comma is no matter");
	store_close(&s);
	open_at(&s, path, "columns = \"zoho\";");
	is_int(backend_probe(s.be, &t), TOKEEP_EINVAL, "but in a file for SDKs it is");
	free(before);
	free(after);
	token_clear(&t);
	store_close(&s);
}

static void batches(void)
{
	struct store s, other;
	struct stat st, now;
	int bad = 0;
	char user[20];

	fresh(&s);
	set_access(&s, "alice", "a");
	open_at(&other, path, "timeout = 0;");
	stat(path, &st);
	is_int(backend_begin(s.be), 0, "a batch begins");
	for (int i = 0; i < 1000; i++) {
		snprintf(user, sizeof(user), "u%d", i);
		bad += set_access(&s, user, user) != 0;
	}
	is_int(bad, 0, "a thousand are saved");
	is_str(found(&s, ACCESS, token(USER, "u999", END)), "u999", "the same handle finds them");
	is_str(found(&other, ACCESS, token(USER, "u999", END)), "(-4)", "nobody else does");
	is_int(set_access(&other, "bob", "b"), TOKEEP_ESTORE, "or writes meanwhile");
	stat(path, &now);
	is_int(now.st_ino, st.st_ino, "the file was not touched");
	is_int(backend_commit(s.be, 1), 0, "kept");
	is_int(rows(&other), 1001, "all are there");
	is_int(backend_begin(s.be), 0, "another batch");
	bad = backend_delete_tokens(s.be);
	is_int(rows(&s), bad, "deletes all");
	is_int(backend_commit(s.be, 0), 0, "dropped");
	is_int(rows(&other), 1001, "all are there still");
	is_int(set_access(&other, "bob", "b"), 0, "and others write again");
	store_close(&other);
	store_close(&s);
}

/*
 * SDKs: they empty the file, then write it, and take no lock
 */

static int write_slowly(void *data)
{
	const char *const *pieces = data;
	int fd = open(path, O_WRONLY | O_TRUNC);

	for (; *pieces; pieces++) {
		usleep(5000);
		if (write(fd, *pieces, strlen(*pieces)) < 0)
			return 1;
	}
	return close(fd);
}

static void sdk_at_work(void)
{
	static const char *const pieces[] = { HEADER, "1,alice,c,s,r1,ali", "ce-at,,,,\n2,bob,c,s,r2,bo", "b-at,,,,\n3,carol",
					      ",c,s,r3,carol-at,,,,\n", NULL };
	struct store s;
	int bad = 0, status;
	char *text;
	pid_t pid;

	fresh(&s);
	set_access(&s, "alice", "a");
	for (int i = 0; i < 10; i++) {
		const char *got;

		put_text(path, HEADER "1,alice,c,s,r1,alice-at,,,,\n2,bob,c,s,r2,bob-at,,,,\n");
		usleep(60000);
		fflush(stdout);
		pid = fork();
		if (!pid)
			_exit(write_slowly((void *)pieces));
		usleep(3000 * i);
		got = found(&s, ACCESS, token(USER, "bob", END));
		if (strcmp(got, "bob-at")) {
			printf("# %s: %s\n", got, said(&s));
			bad++;
		}
		bad += set_access(&s, "dave", "dave-at") != 0;
		while (waitpid(pid, &status, 0) < 0)
			;
		text = slurp(path);
		/* All that the SDK wrote and what we added; or we were first, and it overwrote us. */
		bad += status || !strstr(text, "carol-at") || !strstr(text, "alice-at") || !strstr(text, "bob-at");
		free(text);
	}
	is_int(bad, 0, "a file that an SDK is writing is read and replaced when it is done");
	store_close(&s);
}

static int write_into_it(void *data, const struct tokeep_token *t)
{
	int fd = open(path, O_WRONLY | O_APPEND);

	if (fd < 0 || write(fd, data, strlen(data)) < 0)
		return 1;
	return close(fd);
}

static void sdk_while_listing(void)
{
	char row[] = "2,bob,c,s,r2,bob-at,,,,\n";
	struct store s;

	fresh(&s);
	set_access(&s, "alice", "a");
	is_int(backend_get_tokens(s.be, write_into_it, row), TOKEEP_ESTORE,
	       "a list of a file that changed meanwhile is not said to be whole");
	is_int(rows(&s), 2, "the next one is");
	store_close(&s);
}

/* A save that hangs in its fsync, while an SDK writes. */
static void sdk_while_saving(const char *program)
{
	char command[1000], *text;
	struct store s;
	int status;
	pid_t pid;

	if (system("strace -V >/dev/null 2>&1")) {
		skip("what an SDK wrote while we saved is not lost", "needs strace");
		return;
	}
	fresh(&s);
	set_access(&s, "alice", "old");
	snprintf(command, sizeof(command),
		 "ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 exec strace -o /dev/null -e trace=fsync "
		 "-e inject=fsync:delay_enter=700000:when=1 '%s' save '%s'", program, path);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 500 && !strays(); i++) /* until it is about to */
		usleep(10000);
	put_text(path, HEADER "1,alice,,,r,old,,,,\n2,bob,,,r,bob-at,,,,\n");
	while (waitpid(pid, &status, 0) < 0)
		;
	is_int(status, 0, "a save beside an SDK ends well");
	text = slurp(path);
	is_str(text, HEADER "1,alice,,,r,new,,,,\n2,bob,,,r,bob-at,,,,\n", "and what the SDK wrote meanwhile is not lost");
	free(text);
	store_close(&s);
}

/*
 * Whatever fails
 */

static int save_for_ever(void *data)
{
	int fd = *(int *)data;
	struct store s;
	char access[300];

	open_store(&s);
	for (int i = 0;; i++) {
		snprintf(access, sizeof(access), "%d-%0200d", i, 0);
		if (set_access(&s, "alice", access))
			return 1;
		if (write(fd, &i, sizeof(i)) != sizeof(i))
			return 1;
	}
}

/* The last number that was acknowledged. */
static int last_of(int fd, int last)
{
	int i;

	while (read(fd, &i, sizeof(i)) == sizeof(i))
		last = i;
	return last;
}

static void killing(void)
{
	int lost = 0, missing = 0, odd = 0, said_so, pipe_fds[2];
	unsigned int seed = 1;
	struct store s;
	pid_t pid;

	fresh(&s);
	for (int i = 0; i < 200; i++) {
		char user[20];

		snprintf(user, sizeof(user), "other-%d", i);
		if (!i)
			backend_begin(s.be);
		lost += set_access(&s, user, user) != 0;
	}
	lost += set_access(&s, "alice", "0-") != 0;
	lost += backend_commit(s.be, 1) != 0;
	is_int(lost, 0, "201 tokens");
	for (int i = 0; i < 200; i++) {
		const char *got;

		if (pipe(pipe_fds))
			exit(1);
		fflush(stdout);
		pid = fork();
		if (!pid) {
			close(pipe_fds[0]);
			_exit(save_for_ever(&pipe_fds[1]));
		}
		close(pipe_fds[1]);
		usleep(rand_r(&seed) % 30000);
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0)
			;
		said_so = last_of(pipe_fds[0], -1);
		close(pipe_fds[0]);
		got = found(&s, ACCESS, token(USER, "alice", END));
		odd += *got == '(' || !strchr(got, '-');
		lost += said_so >= 0 && strtol(got, NULL, 10) < said_so;
		missing += rows(&s) != 201;
	}
	is_int(odd, 0, "200 kills: the token is there each time");
	is_int(lost, 0, "the last that was acknowledged or a later one");
	is_int(missing, 0, "and so are all others, none malformed");
	is_int(set_access(&s, "alice", "z"), 0, "the next save");
	is_int(strays(), 0, "leaves nothing beside");
	store_close(&s);
}

static void full_disk(void)
{
	char *before, *after, *big = calloc(1, 60001);
	struct store s;

	wipe_out();
	if (mkdir(in_folder("sub"), 0700) || mount("tmpfs", in_folder("sub"), "tmpfs", 0, "size=64k,mode=700")) {
		skip("a full disk", "needs root and tmpfs");
		return;
	}
	open_store(&s);
	is_int(set_access(&s, "alice", "a"), 0, "a token on a small disk");
	memset(big, 'x', 60000);
	before = slurp(path);
	is_int(set_access(&s, "bob", big), TOKEEP_ESTORE, "one that is too large for it is refused");
	has_str(said(&s), "No space left on device", "and the message says why");
	after = slurp(path);
	is_str(after, before, "the file is as it was");
	is_int(strays(), 0, "with nothing beside it");
	is_int(set_access(&s, "alice", "b"), 0, "and the next save works");
	free(before);
	free(after);
	free(big);
	store_close(&s);
	umount(in_folder("sub"));
}

static int save_beyond_the_limit(void *data)
{
	struct rlimit limit = { 1000, 1000 };
	char big[2001];
	struct store s;

	signal(SIGXFSZ, SIG_IGN); /* as the command does */
	memset(big, 'x', 2000);
	big[2000] = '\0';
	open_store(&s);
	if (setrlimit(RLIMIT_FSIZE, &limit))
		return 2;
	return set_access(&s, "alice", big) == TOKEEP_ESTORE && strstr(said(&s), "File too large") ? 0 : 1;
}

static void too_large(void)
{
	struct store s;

	fresh(&s);
	set_access(&s, "alice", "a");
	is_int(in_child(save_beyond_the_limit, NULL), 0, "a limit on the size of files is an error");
	is_str(found(&s, ACCESS, token(USER, "alice", END)), "a", "the file is as it was");
	is_int(strays(), 0, "with nothing beside it");
	store_close(&s);
}

/* Runs `save` of this program under strace, so that the k-th such call fails. 1: it was so many; else 0. */
static int with_fault(const char *program, const char *call, const char *error, int k, int *status)
{
	char command[1000], *log;
	int injected;

	snprintf(command, sizeof(command),
		 "ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 strace -o '%s' -e 'trace=/^(%s)$' -e 'inject=/^(%s)$:error=%s:when=%d' '%s' save '%s' >/dev/null 2>&1",
		 in_folder("strace.log"), call, call, error, k, program, path);
	*status = system(command);
	log = slurp(in_folder("strace.log"));
	injected = strstr(log, "(INJECTED)") != NULL;
	free(log);
	return injected;
}

static bool in_order(const char *text, const char *first, const char *second, const char *third)
{
	text = strstr(text, first);
	text = text ? strstr(text, second) : NULL;
	return text && strstr(text, third);
}

/* A sanitizer's own calls fail, too; then it ends the program as failed whatever was saved. */
#ifdef __SANITIZE_ADDRESS__
#define MAY_FAIL_LATE 1
#else
#define MAY_FAIL_LATE 0
#endif

static bool lies(bool is_new, int status)
{
	return is_new ? status && !MAY_FAIL_LATE : !status;
}

static void faults(const char *program)
{
	static const char *const calls[] = { "openat", "write|pwrite64", "fsync|fdatasync", "rename|renameat|renameat2", "close", "fcntl" };
	static const char *const errors[] = { "ENOSPC", "EIO", "EINTR" };
	int runs = 0, torn = 0, lied = 0, left = 0, stuck = 0, status;
	struct store s;
	char *text;

	if (system("strace -V >/dev/null 2>&1")) {
		skip("every system call of a save may fail", "needs strace");
		return;
	}
	fresh(&s);
	for (size_t c = 0; c < sizeof(calls) / sizeof(*calls); c++)
		for (size_t e = 0; e < sizeof(errors) / sizeof(*errors); e++)
			for (int k = 1; k < 60; k++) {
				bool is_old, is_new;

				if (set_access(&s, "alice", "old"))
					stuck++;
				if (!with_fault(program, calls[c], errors[e], k, &status))
					break;
				runs++;
				text = slurp(path);
				is_old = strstr(text, "\n1,alice,,,r,old,,");
				is_new = strstr(text, "\n1,alice,,,r,new,,");
				free(text);
				torn += !is_old && !is_new;
				lied += lies(is_new, status);
				left += strays() != 0;
				if (!(is_old || is_new) || lies(is_new, status) || strays())
					printf("# %s %s at %d: exit %d, %s, %d left\n", calls[c], errors[e], k, status,
					       is_old ? "old" : is_new ? "new" : "torn", strays());
			}
	printf("# %d calls failed\n", runs);
	with_fault(program, "fsync|rename|renameat|renameat2", "EIO", 99, &status);
	text = slurp(in_folder("strace.log"));
	ok(in_order(text, "fsync(", "rename", "fsync("), "a save is an fsync, a rename and an fsync of the folder");
	free(text);
	ok(runs > 50, "every system call of a save fails in turn");
	is_int(torn, 0, "the file is old or new, never torn");
	is_int(lied, 0, "new where the save said so, else old");
	is_int(left, 0, "with nothing left beside it");
	is_int(stuck, 0, "and the next save works");
	store_close(&s);
}

/* For another run of this program, whose folder is used and left. */
static int save_new(const char *where)
{
	struct store s;
	int r;

	snprintf(folder, sizeof(folder), "%.*s", (int)(strlen(where) - strlen("/sub/tokens.csv")), where);
	r = open_at(&s, where, "");
	if (!r)
		r = set_access(&s, "alice", "new");
	store_close(&s);
	return r != 0;
}

/* Each sees the file of its time, as a whole. */
static void reading_while_writing(void)
{
	int bad = 0, pipe_fds[2];
	struct store s;
	pid_t pid;

	fresh(&s);
	set_access(&s, "alice", "0-");
	set_access(&s, "bob", "bob-at");
	if (pipe(pipe_fds))
		exit(1);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(save_for_ever(&pipe_fds[1]));
	for (int i = 0; i < 2000; i++) {
		bad += strcmp(found(&s, ACCESS, token(USER, "bob", END)), "bob-at") != 0;
		bad += strcmp(found(&s, ACCESS, token(USER, "nobody", END)), "(-4)") != 0;
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0)
		;
	is_int(bad, 0, "4,000 look-ups beside a writer find what is there and nothing else");
	store_close(&s);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "save"))
		return save_new(argv[2]);
	make_folder();
	path = strdup(in_folder("sub/tokens.csv"));
	lock_path = strdup(in_folder("sub/tokens.csv.lock"));
	making();
	options();
	unfit_files();
	what_a_crash_left();
	two_hundred();
	locked_out();
	lock_file_deleted();
	leases();
	swapping();
	probing();
	batches();
	sdk_at_work();
	sdk_while_listing();
	sdk_while_saving(argv[0]);
	reading_while_writing();
	killing();
	full_disk();
	too_large();
	faults(argv[0]);
	free((char *)path);
	free((char *)lock_path);
	return done();
}
