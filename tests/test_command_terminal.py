#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_command_terminal.py: the command at a terminal, at a closed pipe, at a full disk, and against those who would
like to read a secret that isn't theirs."""
import json
import os
import pty
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time

sys.dont_write_bytecode = True
from netserver import finish, is_, ok, skip

STORE = os.environ.get("STORE", "sqlite")
if not os.path.exists("%s/%s.so" % (os.environ["TOKEEP_LIBDIR"], STORE)):
    print("1..0 # SKIP the store is not built")
    sys.exit(0)

scratch = tempfile.mkdtemp(prefix="tokeep-test.")
config = scratch + "/tokeep.conf"
with open(config, "w") as file:
    file.write('store = "%s";\n%s = { path = "%s/store"; };\nstate_dir = "%s/state";\n'
               % (STORE, STORE, scratch, scratch))
os.chmod(config, 0o600)
environment = {k: v for k, v in os.environ.items() if not k.endswith("_proxy")}
environment.update(TOKEEP_CONFIG=config, HOME=scratch, XDG_CONFIG_HOME=scratch, XDG_STATE_HOME=scratch)

ESC = "alice\x1b[31m\u009b\u202ered@example.com"


def run(*arguments, **options):
    options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
    if options["stdin"] is None:
        del options["stdin"]
    done = subprocess.run(["tokeep"] + list(arguments), stdout=options.pop("stdout", subprocess.PIPE),
                          stderr=options.pop("stderr", subprocess.PIPE), env=environment, timeout=60, **options)
    return done.returncode, done.stdout, done.stderr


def line(**fields):
    return (json.dumps(fields) + "\n").encode()


class Terminal:
    """The command with a terminal for all three of its files."""

    def __init__(self, *arguments):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored where the tests run in the background
            os.execvpe("tokeep", ["tokeep"] + list(arguments), environment)
        self.seen = b""

    def read(self, until=None):
        end = time.time() + 30
        while time.time() < end and not (until and until in self.seen):
            if not select.select([self.fd], [], [], 0.2)[0]:
                continue
            try:
                piece = os.read(self.fd, 65536)
            except OSError:
                break
            if not piece:
                break
            self.seen += piece
        return self.seen

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def wait_for_echo(self, wanted):
        end = time.time() + 30
        while self.echoes() != wanted and time.time() < end:
            time.sleep(0.02)
        return self.echoes() == wanted

    def write(self, text):
        os.write(self.fd, text)

    def end(self):
        self.read()
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return status


def prompts():
    terminal = Terminal("find", "--refresh-token", "-")
    ok(b"refresh token (is not shown): " in terminal.read(b"shown): "), "a secret is asked for by its name",
       terminal.seen)
    ok(terminal.wait_for_echo(False), "the terminal does not echo")
    terminal.write(b"refresh-CANARY\n")
    status = terminal.end()
    is_(os.WEXITSTATUS(status), 0, "what is typed is taken")
    ok(b"user_name" in terminal.seen and b"CANARY" not in terminal.seen, "and not shown", terminal.seen)

    terminal = Terminal("find", "--refresh-token", "-")
    terminal.read(b"shown): ")
    terminal.wait_for_echo(False)
    terminal.write(b"\x03")
    ok(terminal.wait_for_echo(True), "Ctrl-C at a prompt switches the echo on again")
    status = terminal.end()
    ok(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT, "and ends the command", status)

    terminal = Terminal("find", "--refresh-token", "-")
    terminal.read(b"shown): ")
    terminal.wait_for_echo(False)
    terminal.write(b"x" * 5000 + b"\n")
    is_(os.WEXITSTATUS(terminal.end()), 2, "a line longer than a terminal takes is refused, not cut")
    ok(b"by a pipe" in terminal.seen, "with the way to give it", terminal.seen)


def control_characters():
    for arguments in (["list"], ["show", ESC], ["list", "--json"], ["show", ESC, "--json"], ["list", "--reveal"]):
        terminal = Terminal(*arguments)
        terminal.end()
        text = terminal.seen.decode(errors="replace")
        ok("example.com" in text and not any(c in text for c in "\x1b\u009b\u202e"),
           "no control character reaches the terminal: %s" % " ".join(arguments[:1] + arguments[2:]), repr(text))
    _, out, _ = run("show", ESC, "--json")
    is_(json.loads(out)["user_name"], ESC, "JSON gives the value as it is")
    _, out, _ = run("list")
    ok(ESC.encode() in out, "a pipe gets the value as it is", out)
    status, _, err = run("token", "nobody\x1b[31m")
    ok(status == 4 and b"\x1b" not in err, "nor is one in a message", err)
    status, _, err = run("nothing\x1b[31m\nmore")
    ok(status == 2 and b"\x1b" not in err and err.count(b"\n") == 1, "nor a line break", err)


def closed_and_full():
    with open("/dev/full", "w") as full:
        status, _, err = run("list", stdout=full)
    ok(status == 1 and b"standard output: No space left" in err, "a full disk behind standard output: exit 1", err)
    with open("/dev/full", "w") as full:
        status, _, err = run("token", ESC, stdout=full)
    ok(status == 1 and b"standard output: No space left" in err, "a token that could not be printed, too", err)
    end, begin = os.pipe()
    os.close(end)
    status, _, err = run("list", "--json", stdout=begin)
    os.close(begin)
    is_((status, err), (1, b""), "a reader that has gone: exit 1, without words")

    for closed in ((1,), (0,), (2,), (0, 1, 2)):
        def close_them():
            for fd in closed:
                os.close(fd)
        before = run("export", "-")[1]
        status, _, err = run("import", scratch + "/alice.jsonl", preexec_fn=close_them)
        is_(status, 0, "import with closed files: %s" % (closed,))
        is_(run("export", "-")[1], before, "writes nothing into the store that doesn't belong there")
    folder = scratch + "/plain"
    os.makedirs(folder, 0o700)
    with open(folder + "/tokeep.conf", "w") as file:
        file.write('store = "file";\nfile = { path = "%s/tokens.csv"; columns = "zoho"; };\nstate_dir = "%s/state";\n'
                   % (folder, folder))
    arguments = ("-c", folder + "/tokeep.conf", "import", "-")
    is_(run(*arguments, input=line(user_name="one", access_token="a"))[0], 0, "a store in a file")
    # Told while the store's lock file is open.
    status, _, _ = run(*arguments, input=line(user_name="o,n,e", access_token="a"), preexec_fn=lambda: os.close(2))
    is_(status, 2, "a failure with standard error closed")
    told = [name for name in os.listdir(folder) if os.path.isfile(folder + "/" + name)
            and b"tokeep: " in open(folder + "/" + name, "rb").read()]
    is_(told, [], "is told in none of the store's files")
    status, _, err = run("token", ESC, preexec_fn=lambda: os.close(1))
    ok(status == 1 and b"standard output: " in err, "a token for a closed standard output: exit 1", err)
    status, _, err = run("find", "--access-token", "-", preexec_fn=lambda: os.close(0))
    ok(status == 2 and b"standard input: " in err, "a secret from a closed standard input: exit 2", err)


def exported_file():
    target = scratch + "/export"
    status, _, err = run("export", target,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
    ok(status == 1 and b"File too large" in err, "export that has no room: exit 1, not a signal", status, err)
    is_([name for name in os.listdir(scratch) if name.startswith("export")], [], "and no part of a file")
    command = subprocess.Popen(["tokeep", "export", target], env=environment)
    while command.poll() is None and not any(name.startswith("export.") for name in os.listdir(scratch)):
        pass
    if command.poll() is None:
        command.terminate()
    status = command.wait()
    left = [name for name in os.listdir(scratch) if name.startswith("export")]
    if status == -signal.SIGTERM:
        is_(left, [], "export ended by a signal leaves no part of a file")
    else:
        skip("export ended by a signal leaves no part of a file", "it was quicker")


def process():
    command = subprocess.Popen(["tokeep", "find", "--access-token", "-"], stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    end = time.time() + 30
    core = None
    while time.time() < end and core != ["0", "0"]:
        with open("/proc/%d/limits" % command.pid) as limits:
            core = [l for l in limits if l.startswith("Max core file size")][0].split()[4:6]
    is_(core, ["0", "0"], "no core is dumped")
    command.communicate(b"x")

    if os.getuid() != 0:
        readable = not_dumpable_as(None)
    else:
        readable = not_dumpable_as(65534)
    if readable is None:
        skip("another process of the user can't look into it", "nobody may not run the command here")
    else:
        ok(not readable, "another process of the user can't look into it")


def not_dumpable_as(uid):
    """May the user look into a command that waits for its input? /proc/PID/fd is the user's own then, else root's.
    None: the user can't run it."""
    def become():
        if uid is not None:
            os.setgid(uid)
            os.setuid(uid)
    nowhere = dict(environment, HOME="/nonexistent", XDG_CONFIG_HOME="/nonexistent", XDG_STATE_HOME="/nonexistent")
    del nowhere["TOKEEP_CONFIG"]
    try:
        command = subprocess.Popen(["tokeep", "find", "--access-token", "-"], stdin=subprocess.PIPE, cwd="/",
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=become, env=nowhere)
    except (PermissionError, subprocess.SubprocessError):
        return None
    end = time.time() + 5
    mine = True
    while mine and time.time() < end and command.poll() is None:
        mine = os.stat("/proc/%d/fd" % command.pid).st_uid == (os.getuid() if uid is None else uid)
        time.sleep(0.01)
    alive = command.poll() is None
    command.communicate(b"x")
    return mine if alive else None


def verbosity():
    _, _, quiet = run("-q", "list")
    is_(quiet, b"", "-q says nothing")
    status, _, err = run("-q", "token", "nobody")
    ok(status == 4 and err, "but errors")
    status, out, _ = run("list", "-v", "--verbose")
    is_(status, 0, "-v may be given twice")
    ok(b"\r" not in run("import", scratch + "/many.jsonl")[2], "there is no progress line without a terminal")


try:
    with open(scratch + "/alice.jsonl", "wb") as file:
        file.write(line(id="1", user_name=ESC, access_token="access-CANARY", refresh_token="refresh-CANARY"))
    with open(scratch + "/many.jsonl", "wb") as file:
        for i in range(2, 3000):
            file.write(line(id=str(i), user_name="user%d" % i, access_token="a%d" % i))
    is_(run("import", scratch + "/alice.jsonl")[0], 0, "a name with control characters can be kept")
    prompts()
    control_characters()
    closed_and_full()
    verbosity()
    exported_file()
    process()
finally:
    shutil.rmtree(scratch)
finish()
