/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_sqlite_files.c: the file's side of `sqlite`: who may read it, when it is made, what is left in it, and the lock
 * beside it.
 */
#include <sqlite3.h>

#include "sqlite_files.h"

#define CANARY "CANARY-0123456789abcdef"

/*
 * Making it
 */

static void reading_makes_nothing(void)
{
	struct store s;

	fresh(&s, "");
	is_str(found(&s, ACCESS, token(USER, "alice", END)), "(-4)", "where no database is, no token is");
	is_int(rows(&s), 0, "the list is empty");
	is_int(backend_delete(s.be, "1"), TOKEEP_ENOTFOUND, "there is nothing to delete");
	is_int(backend_delete_tokens(s.be), 0, "deleting all is easy");
	is_int(mode_of(in_folder("sub")), -ENOENT, "and neither file nor folder is made");
	umask(0);
	is_int(save(&s, NULL, token(USER, "alice", ACCESS, "a1", END)), 0, "the first save makes both");
	umask(022);
	is_int(mode_of(in_folder("sub")), 0700, "the folder for its owner alone");
	is_int(mode_of(database), 0600, "so the file, whatever the umask");
	backend_begin(s.be);
	save(&s, NULL, token(USER, "alice", ACCESS, "a2", END));
	is_int(mode_of(in_folder("sub/tokens.db-journal")), 0600, "and its journal");
	backend_commit(s.be, 1);
	store_close(&s);
	wipe_out();
	umask(0777);
	open_store(&s, "");
	is_int(save(&s, NULL, token(USER, "alice", ACCESS, "a1", END)), 0, "a umask of 0777 does no harm");
	umask(022);
	store_close(&s);
}

static void options_are_checked(void)
{
	static const char *const wrong[][2] = {
		{ "journal = \"off\";", "sqlite.journal" }, { "table = \"a; DROP TABLE b\";", "sqlite.table" },
		{ "table = \"sqlite_master\";", "sqlite.table" }, { "tabel = \"x\";", "sqlite.tabel" },
		{ "busy = 1;", "sqlite.busy" },
	};
	struct store s;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		int r = open_with(&s, database, wrong[i][0]);

		if (!ok(r == TOKEEP_ECONFIG && strstr(said(&s), wrong[i][1]), "%s is refused by name", wrong[i][0]))
			printf("#   %d: %s\n", r, said(&s));
		store_close(&s);
	}
}

/* Refused, unchanged, and the message tells what to do. */
static void refuses(const char *path, const char *words, const char *sentence)
{
	struct store s;
	int r, before = mode_of(path);

	open_with(&s, path, "");
	r = save(&s, NULL, token(USER, "alice", ACCESS, "a1", END));
	if (!ok(r == TOKEEP_ESTORE && strstr(said(&s), words) && mode_of(path) == before, "%s", sentence))
		printf("#   %d: %s\n", r, said(&s));
	is_str(found(&s, ACCESS, token(USER, "alice", END)), "(-10)", "nor is it read");
	store_close(&s);
}

static void files_that_are_not_ours_alone_are_refused(void)
{
	struct store s;
	char command[600];

	fresh(&s, "");
	save(&s, NULL, token(USER, "alice", ACCESS, "a1", END));
	store_close(&s);
	chmod(database, 0640);
	snprintf(command, sizeof(command), "chmod 600 %s", database);
	refuses(database, command, "a database that others may read is refused with the chmod to run");
	chmod(database, 0600);
	symlink(database, in_folder("link.db"));
	refuses(in_folder("link.db"), "link", "a symbolic link is refused");
	link(database, in_folder("hard.db"));
	refuses(in_folder("hard.db"), "hard link", "a second name is refused");
	unlink(in_folder("hard.db"));
	mkfifo(in_folder("fifo.db"), 0600);
	refuses(in_folder("fifo.db"), "FIFO", "a FIFO is refused, not waited for");
	refuses(folder, "folder", "a folder is refused");
	spill(in_folder("text.db"), "id,user_name,client_id\n1,alice,1000.CID and so on, a file of tokens by another store", 80);
	refuses(in_folder("text.db"), "not a database", "another kind of file is refused");
	symlink(in_folder("sub"), in_folder("linked"));
	open_with(&s, in_folder("linked/tokens.db"), "");
	is_str(found(&s, ACCESS, token(USER, "alice", END)), "a1", "a linked folder is the user's business");
	store_close(&s);
}

/*
 * What stands at the path
 */

static void another_file_in_its_place_counts(void)
{
	struct store s, other;

	fresh(&s, "");
	save(&s, NULL, token(USER, "alice", ACCESS, "a1", END));
	open_with(&other, in_folder("sub/backup.db"), "");
	save(&other, NULL, token(USER, "alice", ACCESS, "backup", END));
	store_close(&other);
	rename(in_folder("sub/backup.db"), database);
	is_str(found(&s, ACCESS, token(USER, "alice", END)), "backup", "a database put in its place is the one that is read");
	is_int(save(&s, NULL, token(USER, "bob", ACCESS, "b1", END)), 0, "and saved to");
	open_store(&other, "");
	is_str(found(&other, ACCESS, token(USER, "bob", END)), "b1", "where others see it");
	store_close(&other);
	unlink(database);
	is_str(found(&s, ACCESS, token(USER, "alice", END)), "(-4)", "one that was deleted has no tokens");
	is_int(save(&s, NULL, token(USER, "alice", ACCESS, "a2", END)), 0, "and is made again");
	store_close(&s);
}

static void a_crash_at_the_first_start_is_no_harm(void)
{
	struct store s;

	fresh(&s, "");
	mkdir(in_folder("sub"), 0700);
	spill(database, "", 0);
	is_str(found(&s, ACCESS, token(USER, "alice", END)), "(-4)", "an empty file has no tokens");
	is_int(rows(&s), 0, "none at all");
	is_int(save(&s, NULL, token(USER, "alice", ACCESS, "a1", END)), 0, "and takes the first");
	store_close(&s);
}

/*
 * Leaving nothing behind
 */

/* In the database and the files beside it. */
static bool on_disk(const char *needle)
{
	static const char *const tails[] = { "", "-journal", "-wal" };
	bool found_it = false;

	for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
		char path[600], *bytes;
		size_t size;

		snprintf(path, sizeof(path), "%s%s", database, tails[i]);
		bytes = slurp(path, &size);
		found_it = found_it || (bytes && memmem(bytes, size, needle, strlen(needle)));
		free(bytes);
	}
	return found_it;
}

static void nothing_is_left_behind(const char *journal)
{
	static char large[20000];
	struct store s;
	char more[80];
	sqlite3 *db;

	memset(large, 'x', sizeof(large) - sizeof(CANARY));
	memcpy(large + sizeof(large) - sizeof(CANARY), CANARY, sizeof(CANARY));
	snprintf(more, sizeof(more), "journal = \"%s\";", journal);
	fresh(&s, more);
	for (int i = 0; i < 50; i++) {
		char user[20];

		snprintf(user, sizeof(user), "user-%d", i);
		save(&s, NULL, token(USER, user, ACCESS, CANARY, REFRESH, CANARY, END));
	}
	save(&s, NULL, token(ID, "60", USER, "large", ACCESS, large, END));
	/* As a program that doesn't clear the pages it frees. */
	sqlite3_open(database, &db);
	sqlite3_exec(db, "PRAGMA secure_delete = OFF; DELETE FROM oauthtoken WHERE id = '60'", NULL, NULL, NULL);
	sqlite3_close(db);
	ok(on_disk(CANARY), "tokens are on the disk (%s)", journal);
	is_int(backend_delete_tokens(s.be), 0, "all are deleted");
	ok(!on_disk(CANARY), "then none is, in no free page, journal or log");
	is_int(rows(&s), 0, "nor in the list");
	save(&s, NULL, token(USER, "alice", ACCESS, CANARY, END));
	backend_delete(s.be, "51");
	ok(!on_disk(CANARY), "nor one that was deleted alone");
	store_close(&s);
}

/*
 * Leases
 */

static int hold(void *data)
{
	struct store s;
	int *ends = data;

	open_store(&s, "");
	if (backend_lock(s.be, "alice", 0, 60000))
		return 1;
	next_turn(ends[1]);
	pause();
	return 0;
}

static void a_lease_is_one_holders(void)
{
	struct store s;
	int ends[2];
	pid_t pid;

	wipe_out();
	if (pipe(ends))
		exit(1);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(hold(ends));
	my_turn(ends[0]);
	open_store(&s, "");
	is_int(backend_lock(s.be, "alice", 50, 60000), TOKEEP_ESTORE, "a lease has one holder");
	has_str(said(&s), "tokens.db.lock", "the message names the lock");
	is_int(save(&s, NULL, token(USER, "alice", ACCESS, "a1", END)), 0, "who else saves is not kept waiting");
	is_int(backend_lock(s.be, "bob", 50, 60000), 0, "another token's is free");
	is_int(backend_unlock(s.be, "bob"), 0, "and given back");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	is_int(backend_lock(s.be, "alice", 1000, 60000), 0, "a lease ends with its holder");
	is_int(backend_unlock(s.be, "alice"), 0, "and is given back");
	is_int(mode_of(in_folder("sub/tokens.db.lock")), 0600, "the lock file is its owner's alone, and stays");
	store_close(&s);
}

int main(void)
{
	in_folder_of_its_own();
	reading_makes_nothing();
	options_are_checked();
	files_that_are_not_ours_alone_are_refused();
	another_file_in_its_place_counts();
	a_crash_at_the_first_start_is_no_harm();
	nothing_is_left_behind("delete");
	nothing_is_left_behind("wal");
	a_lease_is_one_holders();
	return done();
}
