/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cut.c: runs a command and does something to it at a chosen system call.
 *
 *     cut [-o LIST] [-b BEGIN] [-p PART] [-c] [-k NUMBER] [-f FAULT] COMMAND...
 *
 * A point is the entry to a system call that others can see the effect of: writing, syncing, renaming, locking,
 * sending. Points are counted from the first open of a path with BEGIN in it; with -p only those on a path with PART in
 * it count; with -c none that change nothing by themselves (opening to read, closing). LIST gets a line for each:
 * number, name, path. At point NUMBER the FAULT happens:
 *
 *     kill         SIGKILL, before the call is carried out
 *     short        3 bytes at most are really written
 *     NUMBER       the call fails with this errno
 *     /COMMAND     is run, then SIGKILL
 *
 * The exit status is the command's, 137 where it was killed, 77 where this machine can't do it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/ptrace.h>

enum place { FD, PATH0, PATH1 };

static const struct call {
	long number;
	const char *name;
	enum place place;
	int harmless; /* nobody else sees a difference */
} calls[] = {
	{ SYS_write, "write", FD, 0 },         { SYS_pwrite64, "pwrite", FD, 0 },
	{ SYS_writev, "writev", FD, 0 },       { SYS_fsync, "fsync", FD, 0 },
	{ SYS_fdatasync, "fdatasync", FD, 0 }, { SYS_ftruncate, "ftruncate", FD, 0 },
	{ SYS_fallocate, "fallocate", FD, 0 }, { SYS_fcntl, "fcntl", FD, 0 },
	{ SYS_fchmod, "fchmod", FD, 0 },       { SYS_connect, "connect", FD, 0 },
	{ SYS_sendto, "send", FD, 0 },         { SYS_recvfrom, "recv", FD, 0 },
	{ SYS_openat, "open", PATH1, 0 },      { SYS_unlinkat, "unlink", PATH1, 0 },
	{ SYS_renameat2, "rename", PATH1, 0 }, { SYS_renameat, "rename", PATH1, 0 },
	{ SYS_mkdirat, "mkdir", PATH1, 0 },    { SYS_close, "close", FD, 1 },
#ifdef SYS_rename
	{ SYS_rename, "rename", PATH0, 0 },    { SYS_unlink, "unlink", PATH0, 0 },
	{ SYS_mkdir, "mkdir", PATH0, 0 },      { SYS_open, "open", PATH0, 0 },
#endif
};

static const char *list_path, *begin, *part, *fault;
static long wanted;
static int changing, begun;
static long count;
static FILE *list;
static long long pretend; /* what the call whose exit comes next returns; 0: what it does */

static const struct call *known(long number)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i].number == number)
			return &calls[i];
	return NULL;
}

static void path_of(pid_t pid, const struct call *call, const unsigned long long *args, char path[512])
{
	struct iovec to = { path, 511 }, from = { (void *)args[call->place == PATH1], 511 };
	char link[64];
	ssize_t n;

	memset(path, 0, 512);
	if (call->place == FD) {
		snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)pid, (int)args[0]);
		n = readlink(link, path, 511);
		path[n < 0 ? 0 : n] = '\0';
		return;
	}
	while (from.iov_len && process_vm_readv(pid, &to, 1, &from, 1, 0) < 0) /* the string may end a mapping */
		from.iov_len = to.iov_len = from.iov_len / 2;
}

static int opens_to_read(const struct call *call, const unsigned long long *args)
{
	return !strcmp(call->name, "open") && !(args[call->place == PATH1 ? 2 : 1] & (O_CREAT | O_TRUNC | O_RDWR | O_WRONLY));
}

static int only_asks(const struct call *call, const unsigned long long *args)
{
	return call->number == SYS_fcntl && args[1] != F_OFD_SETLK && args[1] != F_SETLK && args[1] != F_SETLKW;
}

/* Looks once more for what had not come yet: how often is chance. */
static int looks_again(const struct call *call, const unsigned long long *args)
{
	static int fd = -1; /* the call before this one read from it */
	int receives = call->number == SYS_recvfrom;
	int again = receives && (args[3] & MSG_DONTWAIT) && (int)args[0] == fd;

	fd = receives ? (int)args[0] : -1;
	return again;
}

/* The call under way is not carried out and seems to fail, or writes less than it was to. */
static void alter(pid_t pid, int number)
{
#ifdef __x86_64__
	struct user_regs_struct regs;

	ptrace(PTRACE_GETREGS, pid, NULL, &regs);
	if (number) {
		regs.orig_rax = -1;
		pretend = -number;
	} else if (regs.rdx > 3) {
		regs.rdx = 3;
	}
	ptrace(PTRACE_SETREGS, pid, NULL, &regs);
#else
	(void)number;
	kill(pid, SIGKILL);
	exit(77);
#endif
}

static void finish(pid_t pid)
{
#ifdef __x86_64__
	struct user_regs_struct regs;

	ptrace(PTRACE_GETREGS, pid, NULL, &regs);
	regs.rax = pretend;
	ptrace(PTRACE_SETREGS, pid, NULL, &regs);
	pretend = 0;
#else
	(void)pid;
#endif
}

static void strike(pid_t pid)
{
	if (!strcmp(fault, "short")) {
		alter(pid, 0);
	} else if (*fault >= '0' && *fault <= '9') {
		alter(pid, (int)strtol(fault, NULL, 10));
	} else {
		if (*fault == '/' && system(fault))
			fprintf(stderr, "cut: %s failed\n", fault);
		kill(pid, SIGKILL);
	}
}

static void entered(pid_t pid, long number, const unsigned long long *args)
{
	const struct call *call = known(number);
	char path[512];

	if (!call || only_asks(call, args) || looks_again(call, args))
		return;
	path_of(pid, call, args, path);
	if (!begun && !(begun = !strcmp(call->name, "open") && strstr(path, begin)))
		return;
	if (changing && (call->harmless || opens_to_read(call, args)))
		return;
	if (part && !strstr(path, part))
		return;
	count++;
	if (list) {
		fprintf(list, "%ld %s %s\n", count, call->name, path);
		fflush(list);
	}
	if (count == wanted)
		strike(pid);
}

static void stopped(pid_t pid)
{
	struct ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		entered(pid, (long)info.entry.nr, (const unsigned long long *)info.entry.args);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT && pretend)
		finish(pid);
}

static int trace(pid_t first)
{
	int status, code = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		int sig = 0;

		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (pid == first)
				code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			continue;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			stopped(pid);
		else if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP && WSTOPSIG(status) != SIGTRAP)
			sig = WSTOPSIG(status);
		ptrace(PTRACE_SYSCALL, pid, NULL, sig);
	}
	return code;
}

int main(int argc, char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL;
	int option, status;
	pid_t pid;

	while ((option = getopt(argc, argv, "+o:b:p:ck:f:")) > 0)
		switch (option) {
		case 'o': list_path = optarg; break;
		case 'b': begin = optarg; break;
		case 'p': part = optarg; break;
		case 'c': changing = 1; break;
		case 'k': wanted = strtol(optarg, NULL, 10); break;
		case 'f': fault = optarg; break;
		default: return 2;
		}
	begun = !begin;
	list = list_path ? fopen(list_path, "we") : NULL;
	pid = fork();
	if (!pid) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(77);
		raise(SIGSTOP);
		execvp(argv[optind], argv + optind);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, options))
		return 77;
	ptrace(PTRACE_SYSCALL, pid, NULL, 0);
	return trace(pid);
}
