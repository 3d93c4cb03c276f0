# SPDX-License-Identifier: LGPL-2.1-or-later
"""flight.py: what the tests of refreshing share: a provider that counts, a store of each kind, and many who ask at once.

A Place is a folder with a configuration, a store and a state folder; a Provider is a tokeep-sandbox. Everything ends
with the test, by pid.
"""
import atexit
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from netserver import finish, is_, ok, skip  # noqa: E402,F401 (for the tests)

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("XDG_") and "proxy" not in k.lower()}
TOKEEP = shutil.which("tokeep") or sys.exit("tokeep is not in the PATH: run this by make check")
ROOT = os.geteuid() == 0

# Heavy rounds: a few by default, all of them with TOKEEP_TEST_ROUNDS=full.
FULL = os.environ.get("TOKEEP_TEST_ROUNDS") == "full"

scratch = tempfile.mkdtemp(prefix="tokeep-flight.")
os.chmod(scratch, 0o700)
closing = []


@atexit.register
def close_all():
    for close in reversed(closing):
        close()
    shutil.rmtree(scratch, ignore_errors=True)


def note(text):
    print("# " + text)
    sys.stdout.flush()


def end(process, how=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.send_signal(how)
        process.wait()


def opener():
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Provider:
    """A sandbox with these options."""

    def __init__(self, *options, prefix=()):
        self.log = os.path.join(tempfile.mkdtemp(dir=scratch), "log")
        self.process = subprocess.Popen(list(prefix) + ["tokeep-sandbox", "--log", self.log] + list(options),
                                        stdout=subprocess.PIPE, env=ENVIRONMENT)
        closing.append(lambda: end(self.process))
        line = self.process.stdout.readline().decode()
        self.url = line.split()[-1]
        self.opener = opener()

    def __call__(self, what, **form):
        """A control endpoint; `state` and `config` are read, all others posted."""
        data = None if what.split("?")[0] == "state" else urllib.parse.urlencode(form).encode()
        with self.opener.open("%s/_sandbox/%s" % (self.url, what), data, timeout=10) as answer:
            return json.loads(answer.read())

    def requests(self):
        return self("state")["refresh_requests"]

    def seed(self, user="alice@example.com"):
        return self("seed", user=user)["refresh_token"]

    def alive(self, token):
        return self("look", token=token).get("live", False)

    def presented(self):
        """How often each refresh token was presented, by digest."""
        times = {}
        with open(self.log) as lines:
            for line in map(json.loads, lines):
                if line.get("grant_type") == "refresh_token":
                    times[line["presented"]] = times.get(line["presented"], 0) + 1
        return times

    def stop(self):
        end(self.process)


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()[:16]


class Done:
    """What a command came to."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def token(self):
        return self.out.strip()

    def __repr__(self):
        return "exit %s: %r %r" % (self.code, self.out, self.err)


class Place:
    """A configuration for one provider and one store, and the command that uses it."""

    def __init__(self, provider, store, group="", extra="", state=None, prefix=(), client="sandbox", dialect="rfc"):
        self.folder = tempfile.mkdtemp(dir=scratch)
        self.store = store
        self.provider = provider
        self.state = state or os.path.join(self.folder, "state")
        self.config = os.path.join(self.folder, "tokeep.conf")
        self.prefix = list(prefix)
        self.environment = dict(ENVIRONMENT, HOME=self.folder, TOKEEP_CONFIG=self.config)
        data = os.path.join(self.folder, "data")
        os.mkdir(data, 0o700)
        self.data = data
        named = ""
        if store == "six":
            named = 'stores = { six = "%s"; };\n' % six()
            group = group or 'path = "%s";' % data
        if store in ("file", "sqlite"):
            group = group or 'path = "%s/tokens";' % data
        secret = ""
        if dialect == "zoho":
            client, secret = "1000.SANDBOX", ' client_secret = "sandbox-secret";'
        self.client = client
        text = ('%sstore = "%s";\n%s = { %s };\nstate_dir = "%s";\n'
                'providers = { here = { token_url = "%s"; client_auth = "%s"; dialect = "%s"; }; };\n'
                'clients = { sandbox = { provider = "here"; client_id = "%s";%s scope = "api"; }; };\n%s\n' %
                (named, store, store, group, self.state,
                 provider.url + ("/oauth/v2/token" if dialect == "zoho" else "/token"),
                 "post" if secret else "none", dialect, client, secret, extra))
        with open(os.open(self.config, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
            out.write(text)

    def command(self, *words):
        return self.prefix + [TOKEEP] + list(words)

    def run(self, *words, stdin="", environment=None, timeout=120, before=()):
        done = subprocess.run(list(before) + self.command(*words), input=stdin.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=dict(self.environment, **(environment or {})),
                              timeout=timeout)
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *words, environment=None, before=()):
        return subprocess.Popen(list(before) + self.command(*words), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=dict(self.environment, **(environment or {})))

    def save(self, *records):
        """Records as dicts, by `import`."""
        done = self.run("import", "-", stdin="".join(json.dumps(r) + "\n" for r in records))
        if done.code:
            raise RuntimeError("import: %r" % done)

    def expired(self, user="alice@example.com", refresh_token=None, **more):
        """The access token has expired; with `refresh_token` the grant is this one, too."""
        record = dict(user_name=user, client_id=self.client, access_token="stale-" + user, expiry_time="1000",
                      scope="api", **more)
        if refresh_token:
            record["refresh_token"] = refresh_token
        self.save(record)

    def show(self, user="alice@example.com"):
        done = self.run("show", "--json", "--reveal", user)
        return json.loads(done.out) if done.out else {}

    def journal(self):
        """The entries of the journal, as text."""
        folder = os.path.join(self.state, "journal")
        texts = []
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            with open(os.path.join(folder, name)) as entry:
                texts.append(entry.read())
        return texts

    def crowd(self, n, *words):
        """n processes that run the same command at once: a list of (exit code, output)."""
        outputs = [tempfile.TemporaryFile(dir=self.folder) for _ in range(n)]
        errors = tempfile.TemporaryFile(dir=self.folder)
        argv = self.command(*words)
        program = shutil.which(argv[0])
        pids = [os.posix_spawn(program, argv, self.environment,
                               file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1),
                                             (os.POSIX_SPAWN_DUP2, errors.fileno(), 2)]) for out in outputs]
        codes = [os.WEXITSTATUS(os.waitpid(pid, 0)[1]) for pid in pids]
        answers = []
        for code, out in zip(codes, outputs):
            out.seek(0)
            answers.append((code, out.read().decode().strip()))
            out.close()
        errors.seek(0)
        self.said = errors.read().decode()
        errors.close()
        return answers


def built(name, *flags):
    """A program or store of this folder, built once."""
    target = os.path.join(scratch, name)
    if not os.path.exists(target):
        subprocess.run(os.environ.get("CC", "cc").split() + os.environ.get("CFLAGS", "-g -O1").split() +
                       ["-std=gnu11", "-Wall", "-Wextra", "-Wno-unused-parameter", "-D_GNU_SOURCE",
                        "-I", os.path.join(os.path.dirname(os.path.dirname(HERE)), "core"),
                        os.path.join(HERE, os.path.splitext(name)[0] + ".c"), "-o", target] + list(flags),
                       check=True)
        os.chmod(target, 0o755)
    return target


def libtokeep():
    folders = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    return next(os.path.join(f, "libtokeep.so.0") for f in folders if os.path.exists(os.path.join(f, "libtokeep.so.0")))


def six():
    return built("six.so", "-shared", "-fPIC", libtokeep())


class Database:
    """A MariaDB of the test's own, run by mariadb.sh; not `here` where no server is installed."""

    SCRIPT = """
. "$srcdir/lib.sh"
. "$srcdir/mariadb.sh"
mariadb_here || exit 77
mariadb_start >&2 || exit 1
echo "$db_socket $db_port $db_password"
while read -r line; do eval "$line" || echo "failed: $?"; echo "done $db_pid"; done
"""

    def __init__(self):
        self.shell = subprocess.Popen(["sh", "-c", self.SCRIPT, "database"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, env=dict(os.environ, srcdir=os.path.dirname(HERE)))
        closing.append(self.close)
        words = self.shell.stdout.readline().decode().split()
        self.here = len(words) == 3
        if not self.here:
            if self.shell.wait() != 77:
                raise RuntimeError("MariaDB did not start")
            return
        self.socket, self.port, self.password = words
        self.count = 0
        self("")

    def __call__(self, line):
        """A line of shell with the functions of mariadb.sh: what it printed."""
        self.shell.stdin.write((line or ":").encode() + b"\n")
        self.shell.stdin.flush()
        lines = []
        while True:
            got = self.shell.stdout.readline().decode()
            if got.startswith("done ") or not got:
                self.pid = int(got.split()[1]) if len(got.split()) > 1 else None
                return lines
            lines.append(got.rstrip("\n"))

    def group(self, table=None, port=None):
        """The group of the configuration for a table that nobody else uses."""
        self.count += 1
        where = 'host = "127.0.0.1"; ssl = "off"; port = %d;' % port if port else 'socket = "%s";' % self.socket
        return '%s database = "tokens"; user = "tokeep"; password = "%s"; table = "%s";' % (
            where, self.password, table or "flight%d" % self.count)

    def close(self):
        if self.shell.poll() is None:
            self.shell.stdin.close()
            self.shell.wait()


class Cluster(Database):
    """Three nodes that are one database, run by galera.sh: the group of a node is that of its socket."""

    SCRIPT = """
. "$srcdir/lib.sh"
. "$srcdir/mariadb.sh"
. "$srcdir/galera.sh"
galera_here || exit 77
galera_start >&2 || exit 1
echo "$scratch $(galera_port 1) $db_password"
while read -r line; do eval "$line" || echo "failed: $?"; echo "done 0"; done
"""

    def node(self, number):
        return ('socket = "%s/node%d/socket"; database = "tokens"; user = "tokeep"; password = "%s";' %
                (self.socket, number, self.password))

    def tcp(self, port):
        return ('host = "127.0.0.1"; ssl = "off"; port = %d; database = "tokens"; user = "tokeep"; password = "%s";' %
                (port, self.password))


def small_disk(size="200k"):
    """A folder on a file system of its own; None where that can't be had."""
    folder = tempfile.mkdtemp(dir=scratch)
    if not ROOT or subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0700,size=" + size, "tmpfs", folder],
                                  stderr=subprocess.DEVNULL).returncode:
        return None
    closing.append(lambda: subprocess.run(["umount", "-l", folder]))
    return folder


def fill(folder):
    with open(os.path.join(folder, "ballast"), "wb", buffering=0) as ballast:
        for size in (4096, 1):
            try:
                while True:
                    ballast.write(b"x" * size)
            except OSError:
                pass


def wait_until(holds, seconds=10):
    end_at = time.monotonic() + seconds
    while not holds() and time.monotonic() < end_at:
        time.sleep(0.02)
    return holds()
