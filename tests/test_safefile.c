/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_safefile.c: files that hold secrets are opened without surprises and replaced whole; locks between processes. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <time.h>

#include "hostlock.h"
#include "safefile.h"
#include "store.h"

static char why[SAFEFILE_WHY];

static void put_text(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || safefile_write(fd, text, strlen(text)) || fchmod(fd, mode) || close(fd)) {
		perror(path);
		exit(1);
	}
}

static const char *text_of(const char *path)
{
	static char text[100];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? "(absent)" : text;
}

static int mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -errno : (int)(st.st_mode & 07777);
}

/* -errno, or 0. */
static int try_open(const char *path, int flags)
{
	int fd;

	why[0] = '\0';
	alarm(5); /* a FIFO must not make us wait */
	fd = safefile_open(path, flags, why);
	alarm(0);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int replace(const char *path, const char *text)
{
	struct safefile file;

	if (safefile_begin(&file, path, why))
		return -errno;
	if (safefile_write(file.fd, text, strlen(text))) {
		safefile_abandon(&file);
		return -errno;
	}
	return safefile_commit(&file, why) ? -errno : 0;
}

static void opening(void)
{
	const char *path = in_folder("kept"), *other = in_folder("other");

	is_int(try_open(path, O_RDONLY), -ENOENT, "a file that isn't there is told apart");
	put_text(path, "x", 0600);
	is_int(try_open(path, O_RDONLY), 0, "a private file opens");
	put_text(path, "x", 0644);
	is_int(try_open(path, O_RDONLY), -EPERM, "one that others may read doesn't");
	has_str(why, "run: chmod 600 ", "the reason has the command");
	has_str(why, path, "with the file's name");
	put_text(path, "x", 0620);
	is_int(try_open(path, O_RDONLY), -EPERM, "nor one that a group may write");
	put_text(path, "x", 0600);
	if (link(path, other))
		perror(other);
	is_int(try_open(path, O_RDONLY), -EMLINK, "nor one with a second name");
	unlink(other);
	if (symlink(path, other))
		perror(other);
	ok(try_open(other, O_RDONLY) < 0, "nor a link");
	has_str(why, "symbolic link", "which is called one");
	unlink(other);
	if (mkfifo(other, 0600))
		perror(other);
	is_int(try_open(other, O_RDONLY), -EINVAL, "a FIFO is refused at once");
	ok(try_open(other, O_RDWR) < 0, "for writing, too");
	unlink(other);
	is_int(try_open(folder, O_RDONLY), -EINVAL, "a folder is refused");
	is_int(try_open("/dev/null", O_RDWR), -EINVAL, "a device is");
	if (geteuid()) {
		skip("the file of another user is refused", "needs root");
	} else {
		if (chown(path, 65534, 65534))
			perror(path);
		is_int(try_open(path, O_RDONLY), -EPERM, "the file of another user is refused");
	}
	unlink(path);
}

static int entries(void)
{
	char command[400], text[20] = "";
	FILE *p;

	snprintf(command, sizeof(command), "ls -A '%s' | wc -l", folder);
	p = popen(command, "r");
	if (!p || !fgets(text, sizeof(text), p))
		perror(command);
	if (p)
		pclose(p);
	return strtol(text, NULL, 10);
}

static void replacing(void)
{
	const char *path = in_folder("kept");
	int before = entries();
	mode_t mask;

	is_int(replace(path, "one"), 0, "a file is made");
	is_str(text_of(path), "one", "with its text");
	is_int(replace(path, "two"), 0, "it is replaced");
	is_str(text_of(path), "two", "by the new text");
	is_int(mode_of(path), 0600, "nobody else may read it");
	is_int(entries(), before + 1, "nothing is left beside it");
	for (int i = 0; i < 2; i++) {
		mask = umask(i ? 0777 : 0);
		is_int(replace(path, "three"), 0, i ? "whatever the umask, 0777" : "whatever the umask, 0");
		umask(mask);
		is_int(mode_of(path), 0600, "it is 0600");
	}
	is_int(replace(in_folder("absent/file"), "x"), -ENOENT, "without a folder it fails");
	has_str(why, "folder", "and says which step");
	unlink(path);
}

static void abandoning(void)
{
	const char *path = in_folder("kept");
	struct safefile file;
	int before;

	put_text(path, "old", 0600);
	before = entries();
	is_int(safefile_begin(&file, path, why), 0, "a new file is begun");
	is_int(entries(), before + 1, "beside the old one");
	safefile_abandon(&file);
	is_int(entries(), before, "given up, it goes");
	is_str(text_of(path), "old", "and the old one stays");

	is_int(safefile_begin(&file, path, why), 0, "a writer dies");
	close(file.fd);
	close(file.folder);
	put_text(in_folder(".kept.0123456789abcdef.tmp.not"), "", 0600);
	put_text(in_folder(".other.0123456789abcdef.tmp"), "", 0600);
	safefile_sweep(path);
	is_int(entries(), before + 2, "what it left is swept away, and nothing else is");
	free(file.path);
	free(file.temp);
	unlink(path);
	unlink(in_folder(".kept.0123456789abcdef.tmp.not"));
	unlink(in_folder(".other.0123456789abcdef.tmp"));
}

static void folders(void)
{
	mode_t mask = umask(0777);

	is_int(safefile_folder(in_folder("a/b/c"), why), 0, "folders are made, with those above");
	umask(mask);
	is_int(mode_of(in_folder("a")), 0700, "private from the top");
	is_int(mode_of(in_folder("a/b/c")), 0700, "to the bottom, whatever the umask");
	is_int(safefile_folder(in_folder("a/b/c"), why), 0, "one that is there will do");
	chmod(in_folder("a"), 0777);
	ok(safefile_folder(in_folder("a"), why) < 0, "one that others may write into won't");
	has_str(why, "run: chmod o-w ", "the reason has the command");
	chmod(in_folder("a"), 01777);
	is_int(safefile_folder(in_folder("a"), why), 0, "unless it is sticky");
	put_text(in_folder("file"), "", 0600);
	ok(safefile_folder(in_folder("file"), why) < 0, "a file is none");
	ok(safefile_folder(in_folder("file/b"), why) < 0, "nor is there one in it");
}

/*
 * Locks
 */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static int hold(void *data)
{
	const char *path = data;
	int fd = hostlock_open(path);

	if (fd < 0 || hostlock_take(fd, 7, 0))
		return 1;
	pause(); /* until killed */
	return 0;
}

static pid_t holder(const char *path)
{
	pid_t pid = fork();

	if (!pid)
		_exit(hold((void *)path));
	usleep(200000);
	return pid;
}

static void *take_in_thread(void *data)
{
	int fd = hostlock_open(data);
	int r = hostlock_take(fd, 7, 0);

	close(fd);
	return r ? data : NULL;
}

static void locks(void)
{
	const char *path = in_folder("lock");
	int fd = hostlock_open(path), second;
	pthread_t thread;
	void *refused;
	int64_t start;
	pid_t pid;

	is_int(mode_of(path), 0600, "a lock file is private");
	is_int(hostlock_take(fd, 7, 0), 0, "a byte is locked");
	second = open(path, O_RDWR);
	close(second);
	pthread_create(&thread, NULL, take_in_thread, (void *)path);
	pthread_join(thread, &refused);
	ok(refused != NULL, "another thread doesn't get it, also after the file was opened and closed");
	second = hostlock_open(path);
	start = now_ms();
	is_int(hostlock_take(second, 7, 150), -1, "another descriptor doesn't");
	is_int(errno, ETIMEDOUT, "and is told after the time it gave");
	ok(now_ms() - start >= 150 && now_ms() - start < 2000, "not before, not long after");
	is_int(hostlock_take(second, 8, 0), 0, "another byte is free");
	is_int(hostlock_release(fd, 7), 0, "it is released");
	is_int(hostlock_take(second, 7, 0), 0, "then the other gets it");
	hostlock_release(second, 7);
	close(second);

	pid = holder(path);
	is_int(hostlock_take(fd, 7, 0), -1, "another process holds it");
	kill(pid, SIGKILL);
	is_int(hostlock_take(fd, 7, 1000), 0, "until it is killed");
	waitpid(pid, NULL, 0);
	close(fd);

	ok(hostlock_byte("a") != hostlock_byte("b"), "keys have bytes of their own");
	ok(hostlock_byte("") > 0 && hostlock_byte("x") > 0, "never byte 0");
	unlink(path);
	if (symlink("elsewhere", path))
		perror(path);
	ok(hostlock_open(path) < 0, "a lock file that is a link is refused");
	ok(access(in_folder("elsewhere"), F_OK) != 0, "and not followed");
	unlink(path);
}

int main(void)
{
	make_folder();
	opening();
	replacing();
	abandoning();
	folders();
	locks();
	return done();
}
