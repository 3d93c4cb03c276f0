#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_login.py: tokeep login in the browser, against the sandbox: the listener, what it refuses, what is pasted, how it
ends. The browser is this file."""
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
from netserver import CLEAN, finish, is_, need, ok, skip

need("tokeep-sandbox")
if not os.path.exists("%s/private/listener.so" % os.environ["TOKEEP_LIBDIR"]):
    skip("everything", "built without libmicrohttpd")
    finish()
scratch = tempfile.mkdtemp(prefix="tokeep-test.")
os.environ["HOME"] = scratch
environment = {k: v for k, v in CLEAN.items()
               if k not in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "TOKEEP_CONFIG")}
environment.update(HOME=scratch, XDG_CONFIG_HOME=scratch + "/config", XDG_STATE_HOME=scratch + "/state")
running = []


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)


def fetch(url, data=None):
    """Status, headers, body."""
    try:
        with opener.open(url, data.encode() if data else None, timeout=30) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


class Sandbox:
    def __init__(self, name, *arguments):
        self.log = "%s/%s.log" % (scratch, name)
        port_file = "%s/%s.port" % (scratch, name)
        self.process = subprocess.Popen(["tokeep-sandbox", "--port-file", port_file, "--log", self.log] +
                                        list(arguments), stdout=subprocess.DEVNULL)
        running.append(self.process)
        end = time.time() + 10
        while not os.path.exists(port_file) and time.time() < end:
            time.sleep(0.02)
        with open(port_file) as file:
            self.base = "http://127.0.0.1:%s" % file.read().strip()

    def token_requests(self):
        with open(self.log) as file:
            return sum(json.loads(line)["endpoint"] == "token" for line in file)


def configure(name, text):
    path = "%s/%s.conf" % (scratch, name)
    with open(path, "w") as file:
        file.write('store = "file";\nfile = { path = "%s/%s.csv"; };\nstate_dir = "%s/%s.state";\n%s\n'
                   % (scratch, name, scratch, name, text))
    os.chmod(path, 0o600)
    return path


def free_port(host="127.0.0.1"):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
        s.bind((host, 0))
        return s.getsockname()[1]


class Login:
    """A running tokeep login, up to the URL it shows."""

    def __init__(self, config, *arguments, browser=False, env=None, stdin=subprocess.DEVNULL, wait=True):
        command = ["tokeep", "-c", config, "login"] + list(arguments) + ([] if browser else ["--no-browser"])
        self.process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        bufsize=0, env=dict(environment, **(env or {})))
        running.append(self.process)
        self.err = ""
        self.url = None
        if wait:
            self.read_url()

    def read_url(self):
        for line in self.process.stderr:
            self.err += line.decode()
            if line.startswith(b"http"):
                self.url = line.decode().strip()
                break
        self.asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.url or "").query))
        self.redirect = self.asked.get("redirect_uri", "")
        self.port = urllib.parse.urlsplit(self.redirect).port if self.redirect else None

    def callback(self):
        """Where the provider sends the browser."""
        if not self.url:
            self.end()
            print("# no URL: %s" % self.err)
        return fetch(self.url)[1]["Location"]

    def end(self, timeout=30):
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
        self.out = out.decode()
        self.err += err.decode()
        return self.process.returncode

    def alive(self):
        return self.process.poll() is None

    def raw(self, request, host="127.0.0.1"):
        with socket.create_connection((host, self.port), timeout=20) as s:
            s.sendall(request.replace("PORT", str(self.port)).encode())
            got = b""
            while True:
                piece = s.recv(65536)
                if not piece:
                    return got.decode()
                got += piece


def changed(url, **parameters):
    """With other parameters; None: without."""
    parts = urllib.parse.urlsplit(url)
    query = dict(urllib.parse.parse_qsl(parts.query))
    query.update(parameters)
    query = {k: v for k, v in query.items() if v is not None}
    return parts._replace(query=urllib.parse.urlencode(query)).geturl()


def path_of(url):
    parts = urllib.parse.urlsplit(url)
    return parts.path + "?" + parts.query


op = Sandbox("op", "--auto-approve", "alice@example.com")
other = Sandbox("other", "--auto-approve", "mallory@example.com")
CLIENT = ' %s = { issuer = "%s"; client_id = "sandbox"; client_auth = "none"; scope = "openid api"; %s };'
config = configure("main", "clients = {\n%s\n%s\n};\ndefault_client = \"op\";" % (
    CLIENT % ("op", op.base, "login_timeout = 60;"), CLIENT % ("other", other.base, "")))


def the_ordinary_login():
    login = Login(config)
    is_(login.asked.get("response_type"), "code", "the code is asked for")
    is_(login.asked.get("code_challenge_method"), "S256", "with PKCE S256")
    ok(re.fullmatch(r"http://127\.0\.0\.1:[0-9]+/callback", login.redirect), "at a port of loopback", login.redirect)
    status, headers, page = fetch(login.callback())
    is_(status, 200, "the browser gets a page")
    ok("Logged in" in page and "alice@example.com" in page and "close this tab" in page, "it says whose login it was", page)
    is_((headers["Cache-Control"], headers["Referrer-Policy"], headers["X-Content-Type-Options"]),
        ("no-store", "no-referrer", "nosniff"), "it is kept nowhere and tells nobody")
    ok(headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'nonce-"), "and loads nothing")
    ok("code=" not in page and "state" not in page and "<script" not in page and login.asked["state"] not in page,
       "no code, no state and no script is on it")
    is_(login.end(), 0, "the command ends well")
    ok("logged in as alice@example.com" in login.err, "and says so", login.err)
    ok("ssh -L %d:127.0.0.1:%d" % (login.port, login.port) in login.err, "people on another computer are told how",
       login.err)
    is_(login.out, "", "with nothing on standard output")
    done = subprocess.run(["tokeep", "-c", config, "token"], env=environment, stdout=subprocess.PIPE, timeout=30)
    ok(done.returncode == 0 and done.stdout.strip(), "the token is there")
    try:
        socket.create_connection(("127.0.0.1", login.port), timeout=2).close()
        ok(False, "the port is closed afterwards")
    except ConnectionRefusedError:
        ok(True, "the port is closed afterwards")


def json_login():
    login = Login(config, "--json", wait=False)
    line = json.loads(login.process.stderr.readline())
    login.url = line["login"]["url"]
    fetch(login.callback())
    is_(login.end(), 0, "with --json the URL comes as JSON")
    is_(json.loads(login.out)["user_name"], "alice@example.com", "and the record, too")


def wrong_callbacks():
    """None of these may lead to a token request, and the right one still works."""
    login = Login(config)
    before = op.token_requests(), other.token_requests()
    right = login.callback()
    foreign = fetch(changed(login.url).replace(op.base, other.base))[1]["Location"]
    refused = [
        ("another state", changed(right, state="x" * 43)),
        ("no state", changed(right, state=None)),
        ("an empty state", changed(right, state="")),
        ("another iss", changed(right, iss="https://evil.example")),
        ("iss with a slash more", changed(right, iss=op.base + "/")),
        ("no iss, though it is announced", changed(right, iss=None)),
        ("an error of another iss", changed(right, iss="https://evil.example", error="access_denied", code=None)),
        ("an error without a state", changed(right, state=None, error="access_denied", code=None)),
        ("a code of another provider (mix-up)", foreign),
        ("a state that comes twice", right + "&state=" + login.asked["state"]),
        ("a code that comes twice", right + "&code=x"),
        ("a broken encoding", right + "&x=%zz"),
        ("a NUL in the code", changed(right, code="a\0b")),
    ]
    for sentence, url in refused:
        status, _, page = fetch(url)
        ok(status == 400 and "Not the answer" in page, "%s is refused" % sentence, status, url, page[-400:])
    for sentence, request in [
            ("another path", "GET /other%s HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n" % path_of(right)[9:]),
            ("a path that begins like it", "GET /callback/%s HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n" % path_of(right)[9:]),
            ("a path encoded otherwise", "GET /c%%61llback%s HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n" % path_of(right)[9:]),
            ("two slashes", "GET /%s HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n" % path_of(right)),
            ("the favicon", "GET /favicon.ico HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n"),
            ("another host", "GET %s HTTP/1.1\r\nHost: evil.example:PORT\r\n\r\n" % path_of(right)),
            ("localhost, which the redirect URL does not say",
             "GET %s HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n" % path_of(right)),
            ("the host without its port", "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path_of(right)),
            ("another port", "GET %s HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n" % path_of(right)),
            ("two hosts", "GET %s HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nHost: evil.example\r\n\r\n" % path_of(right)),
            ("no host", "GET %s HTTP/1.0\r\n\r\n" % path_of(right)),
            ("POST", "POST %s HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 3\r\n\r\na=b" % path_of(right)),
            ("HEAD", "HEAD %s HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n" % path_of(right)),
            ("no HTTP at all", "\x16\x03\x01\x02\r\n\r\n")]:
        try:
            got = login.raw(request)
        except OSError:
            got = ""
        ok(not got.startswith("HTTP/1.1 200") and login.alive(), "%s does not end the wait" % sentence, got[:200])
        if sentence not in ("no HTTP at all", "two hosts", "no host"):
            ok(got.startswith("HTTP/1.1 404"), "%s is told 404" % sentence, got[:200])
    silent = [socket.create_connection(("127.0.0.1", login.port)) for _ in range(5)]
    is_((op.token_requests(), other.token_requests()), before, "no token request has left")
    status, _, page = fetch(right)
    is_((status, "Logged in" in page), (200, True), "the right callback works afterwards, beside connections that say nothing")
    is_(login.end(), 0, "and ends the login")
    is_((op.token_requests(), other.token_requests()), (before[0] + 1, before[1]), "with one token request")
    ok(login.err.count("ignored") <= 12, "a terminal is not filled by wrong callbacks", login.err)
    ok(right.split("code=")[1].split("&")[0] not in login.err, "and no code is shown on it")
    for s in silent:
        s.close()
    try:
        fetch(right)
        ok(False, "the same callback finds nobody a second time")
    except OSError:
        ok(True, "the same callback finds nobody a second time")


def second_hit():
    """Two at once with the right state: one exchange."""
    fetch(op.base + "/_sandbox/fault", "kind=delay&ms=700")
    login = Login(config)
    before = op.token_requests()
    right = login.callback()
    first = socket.create_connection(("127.0.0.1", login.port))
    first.sendall(("GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % (path_of(right), login.port)).encode())
    time.sleep(0.3)
    try:
        socket.create_connection(("127.0.0.1", login.port), timeout=5).close()
        refused = False
    except ConnectionRefusedError:
        refused = True
    ok(refused, "while a callback is being exchanged nobody else is let in")
    ok(b"Logged in" in first.recv(65536), "the page is sent when the token is saved")
    first.close()
    is_((login.end(), op.token_requests() - before), (0, 1), "the code is used once")


def refusal_by_the_user():
    before = op.token_requests()
    login = Login(config)
    status, _, page = fetch(changed(login.redirect, error="access_denied", error_description="<b>no\x1b[31m</b>",
                                    state=login.asked["state"], iss=op.base))
    ok("The login failed" in page and "access_denied" in page and "&lt;b&gt;" in page, "a refusal is shown in words", page)
    ok("\x1b" not in page, "without control characters")
    is_(login.end(), 5, "exit 5")
    ok("access_denied" in login.err and "\x1b" not in login.err, "and told at the terminal", login.err)
    is_(op.token_requests(), before, "and no token request leaves")
    login = Login(config)
    fetch(changed(login.redirect, error="temporarily_unavailable", state=login.asked["state"], iss=op.base))
    is_(login.end(), 7, "temporarily_unavailable: exit 7")


def failed_exchange():
    login = Login(config)
    status, _, page = fetch(changed(login.callback(), code="nonsense"))
    ok("The login failed" in page and "terminal" in page, "a code that is refused: the page says so", page[-500:])
    ok(login.end() in (5, 9), "and so does the exit code", login.err)


def ports():
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    number = taken.getsockname()[1]
    login = Login(config, "--port", str(number), wait=False)
    is_(login.end(), 3, "a port that is taken: exit 3")
    ok("port %d" % number in login.err and "process %d " % os.getpid() in login.err, "named with who has it", login.err)
    taken.close()

    number = free_port()
    login = Login(config, "--port", str(number))
    is_(login.redirect, "http://127.0.0.1:%d/callback" % number, "--port is where the browser comes back to")
    listening = subprocess.run(["ss", "-Htln", "sport = :%d" % number], stdout=subprocess.PIPE).stdout.decode() \
        if shutil.which("ss") else None
    if listening is None:
        skip("only loopback listens", "no ss")
    else:
        places = {line.split()[3] for line in listening.splitlines()}
        ok("127.0.0.1:%d" % number in places and places <= {"127.0.0.1:%d" % number, "[::1]:%d" % number},
           "only 127.0.0.1 and [::1] listen", listening)
    fetch(login.callback())
    is_(login.end(), 0, "and it does")
    login = Login(config, "--port", str(number))
    fetch(login.callback())
    is_(login.end(), 0, "the same port serves the next login at once")

    for given, wanted, host in (
            ("http://localhost:%d/a/b" % number, "http://localhost:%d/a/b" % number, "localhost"),
            ("http://127.0.0.1:%d/cb?x=1" % number, "http://127.0.0.1:%d/cb?x=1" % number, "127.0.0.1"),
            ("http://127.0.0.1/cb", None, "127.0.0.1"), ("http://localhost", None, "localhost")):
        path = configure("redirect", "clients = { %s };" % (CLIENT % ("op", op.base, 'redirect_url = "%s";' % given)))
        login = Login(path)
        if wanted:
            is_(login.redirect, wanted, "a redirect_url is used to the letter: %s" % given)
        else:
            ok(re.fullmatch(re.escape(given).replace(re.escape(host), re.escape(host) + ":[0-9]+", 1),
                            login.redirect),
               "one without a port gets one: %s" % given, login.redirect)
        status, _, page = fetch(login.callback())
        is_((status, login.end()), (200, 0), "and the browser finds it")


def ipv6():
    try:
        number = free_port("::1")
    except OSError:
        skip("[::1]", "this host has no IPv6 loopback")
        return
    path = configure("six", "clients = { %s };" % (CLIENT % ("op", op.base, 'redirect_url = "http://[::1]:%d/cb";' % number)))
    login = Login(path)
    status, _, page = fetch(login.callback())
    is_((status, login.end()), (200, 0), "a redirect_url at [::1] works")
    login = Login(config)
    got = login.raw("GET %s HTTP/1.1\r\nHost: [::1]:PORT\r\n\r\n" % path_of(login.callback()), "::1")
    ok("Logged in" in got, "without one both addresses work", got[:300])
    is_(login.end(), 0, "and that ends the login")


def in_terminal(config, *arguments, env=None):
    """The pid and the terminal of a command that has one for everything."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe("tokeep", ["tokeep"] + (["-c", config] if config else []) + list(arguments),
                   dict(environment, **(env or {})))
    return pid, fd


def read_until(fd, text, seen=b""):
    end = time.time() + 20
    while text not in seen and time.time() < end:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                piece = os.read(fd, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
    return seen


def ended(pid, fd):
    seen = read_until(fd, b"\0never")
    status = os.waitpid(pid, 0)[1]
    os.close(fd)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status), seen


def shown(seen):
    return re.search(rb"(http://\S+)\r?\n", seen).group(1).decode()


def pasting():
    for what in ("url", "code"):
        pid, fd = in_terminal(config, "login", "--no-browser")
        seen = read_until(fd, b"press Enter:\r\n")
        url = fetch(shown(seen))[1]["Location"]
        code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))["code"]
        if what == "url":
            before = op.token_requests()
            os.write(fd, b"\n  \n" + changed(url, state="wrong").encode() + b"\n")
            read_until(fd, b"ignored")
            is_(op.token_requests(), before, "a pasted URL with another state leads to no request")
        os.write(fd, (url if what == "url" else "  " + code).encode() + b"\n")
        status, seen = ended(pid, fd)
        is_(status, 0, "a pasted %s logs in" % ("whole URL" if what == "url" else "bare code"))
        ok(b"logged in as alice" in seen, "and says so", seen)

    path = configure("away", "clients = { %s };" % (CLIENT % ("op", op.base, 'redirect_url = "https://app.example/cb";')))
    login = Login(path, wait=False)
    is_(login.end(), 3, "a redirect_url elsewhere, without a terminal: exit 3")
    ok("pasted" in login.err, "since there is no way to paste", login.err)
    pid, fd = in_terminal(path, "login", "--no-browser")
    seen = read_until(fd, b"press Enter:\r\n")
    ok(b"ssh -L" not in seen, "with a terminal pasting is the only way", seen)
    os.write(fd, fetch(shown(seen))[1]["Location"].encode() + b"\n")
    is_(ended(pid, fd)[0], 0, "and it works")

    pid, fd = in_terminal(config, "login", "--no-browser")
    url = fetch(shown(read_until(fd, b"press Enter:\r\n")))[1]["Location"]
    os.write(fd, b"\x04")
    time.sleep(0.2)
    status, _, page = fetch(url)
    is_((status, ended(pid, fd)[0]), (200, 0), "a terminal that has ended leaves the browser")


def ends():
    path = configure("quick", "clients = { %s };" % (CLIENT % ("op", op.base, "login_timeout = 1;")))
    login = Login(path)
    began = time.time()
    is_(login.end(), 5, "nobody logs in: exit 5")
    ok(time.time() - began < 4, "after login_timeout")
    ok("login_timeout" in login.err and "run: tokeep login op" in login.err, "with what to run", login.err)
    login = Login(config)
    login.process.send_signal(signal.SIGINT)
    is_(login.end(), -signal.SIGINT, "Ctrl-C ends the wait")
    left = [name for folder, _, names in os.walk(scratch + "/main.state") for name in names
            if "journal" in folder or "pause" in folder]
    is_(left, [], "and leaves nothing behind")
    pid, fd = in_terminal(config, "login", "--no-browser")
    read_until(fd, b"press Enter:\r\n")
    os.write(fd, b"\x03")
    is_(ended(pid, fd)[0], 130, "at a terminal, too: exit 130 for a shell")


def one_at_a_time():
    marker = scratch + "/opened"
    script = scratch + "/browser"
    with open(script, "w") as file:
        file.write("#!/bin/sh\necho opened >>%s\n" % marker)
    os.chmod(script, 0o700)
    path = configure("crowd", "clients = { %s };" % (CLIENT % ("op", op.base, "")))
    crowd = [Login(path, browser=True, env={"BROWSER": script}, wait=False) for _ in range(5)]
    ready = select.select([login.process.stderr for login in crowd], [], [], 20)[0]
    first = None
    end = time.time() + 20
    while not first and time.time() < end:
        for login in crowd:
            while not login.url and select.select([login.process.stderr], [], [], 0.1)[0]:
                line = login.process.stderr.readline()
                login.err += line.decode()
                if line.startswith(b"http"):
                    login.url = line.decode().strip()
                    first = login
                if not line or b"waiting" in line:
                    break
    ok(ready and first, "one of five logins shows a URL")
    time.sleep(1)
    before = op.token_requests()
    fetch(first.callback())
    is_([login.end() for login in crowd], [0] * 5, "all five end well")
    is_(op.token_requests() - before, 1, "with one token request")
    with open(marker) as file:
        is_(len(file.readlines()), 1, "and one tab")
    is_(sum("another run" in login.err for login in crowd), 4, "the others say for whom they wait")


def browsers():
    script = scratch + "/browse; touch pwned"
    with open(script.split(";")[0], "w") as file:
        file.write('#!/bin/sh\nfor a; do printf "%%s\\n" "$a"; done >%s/arguments\n' % scratch)
    os.chmod(script.split(";")[0], 0o700)
    own = script.split(";")[0]
    login = Login(config, browser=True, env={"BROWSER": own + " --new ;touch %s/pwned; $(id)" % scratch})
    fetch(login.callback())
    is_(login.end(), 0, "$BROWSER is started")
    with open(scratch + "/arguments") as file:
        words = file.read().splitlines()
    is_(words[:1] + words[-1:], ["--new", login.url], "with its words, and the URL as one argument")
    ok(";touch" in words and "$(id)" in words and not os.path.exists(scratch + "/pwned"), "and no shell", words)
    login = Login(config, browser=True, env={"BROWSER": own + " --at %s --end"})
    fetch(login.callback())
    login.end()
    with open(scratch + "/arguments") as file:
        is_(file.read().splitlines(), ["--at", login.url, "--end"], "%s is where the URL goes")
    login = Login(config, browser=True, env={"BROWSER": "/nonexistent/browser"})
    fetch(login.callback())
    is_(login.end(), 0, "a browser that is not there keeps nobody from logging in")
    ok("open the URL yourself" in login.err, "and is told", login.err)
    login = Login(config, browser=True, env={"BROWSER": "false"})
    time.sleep(1.5)
    fetch(login.callback())
    is_(login.end(), 0, "nor does one that fails")
    ok("open the URL yourself" in login.err, "and is told, too", login.err)
    login = Login(config, browser=True)
    fetch(login.callback())
    login.end()
    ok("no desktop" in login.err, "without a desktop none is started", login.err)


def zoho():
    op = Sandbox("zoho", "--dialect", "zoho", "--auto-approve", "alice@example.com", "--location", "eu")
    _, _, text = fetch(op.base + "/_sandbox/config")
    path = configure("zoho", text)
    login = Login(path)
    is_((login.asked.get("access_type"), login.asked.get("prompt")), ("offline", "consent"),
        "Zoho is asked for what gives a refresh token")
    before = op.token_requests()
    right = login.callback()
    ok("accounts-server=" in right and "location=eu" in right, "the callback names the user's data centre", right)
    status, _, page = fetch(changed(right, **{"accounts-server": "https://evil.example"}))
    ok("The login failed" in page and "evil.example" in page, "an accounts server nobody lists ends the login", page[-600:])
    is_((login.end(), op.token_requests()), (8, before), "and gets no request")
    login = Login(path)
    fetch(login.callback())
    is_(login.end(), 0, "a known one is asked for the token")
    done = subprocess.run(["tokeep", "-c", path, "show", "--json"], env=environment, stdout=subprocess.PIPE, timeout=30)
    record = json.loads(done.stdout)
    ok(record["issuer"].startswith("http://localhost"), "which is kept as its issuer", record)


def set_up():
    home = scratch + "/new"
    os.mkdir(home, 0o700)
    env = {"HOME": home, "XDG_CONFIG_HOME": home + "/.config", "XDG_STATE_HOME": home + "/state"}
    pid, fd = in_terminal(None, "login", "--no-browser", env=env)

    def answer(question, text):
        seen = read_until(fd, question)
        if not ok(question in seen, "set-up asks for the %s" % question.decode().strip(" :["), seen):
            return
        end = time.time() + 5
        while b"not shown" in question and termios.tcgetattr(fd)[3] & termios.ECHO and time.time() < end:
            time.sleep(0.02)
        os.write(fd, text + b"\n")

    answer(b"provider [", b"nosuch")
    answer(b"provider [", b"zoho")
    answer(b"data centre [", b"mars")
    answer(b"data centre [", b"eu")
    answer(b"client id", b'1000."X\\')
    answer(b"not shown): ", b"secret-CANARY")
    answer(b"scope [", b"")
    answer(b"redirect URL", b"http://127.0.0.1:%d/callback" % free_port())
    answer(b"yes or no", b"yes")
    seen = read_until(fd, b"press Enter:\r\n")
    ok(b"https://accounts.zoho.eu/oauth/v2/auth?" in seen, "and the login goes on with it", seen)
    ok(b"client_id=1000.%22X%5C&" in seen, "a client id may hold anything")
    ok(b"CANARY" not in seen, "the secret is not shown")
    os.write(fd, b"\x03")
    ended(pid, fd)
    folder = home + "/.config/tokeep/"
    is_({name: oct(os.stat(folder + name).st_mode & 0o777) for name in os.listdir(folder)},
        {"tokeep.conf": "0o600", "zoho.secret": "0o600"}, "the config and the secret are for their owner alone")
    with open(folder + "tokeep.conf") as file:
        ok("CANARY" not in file.read(), "the secret is in a file of its own")
    os.remove(folder + "tokeep.conf")
    pid, fd = in_terminal(None, "login", "--no-browser", env=env)
    for question, text in ((b"provider [", b""), (b"data centre [", b""), (b"client id", b"1000.Y"), (b"not shown): ", b"x"),
                           (b"scope [", b""), (b"redirect URL", b""), (b"yes or no", b"no")):
        read_until(fd, question)
        time.sleep(0.1)
        os.write(fd, text + b"\n")
    is_((ended(pid, fd)[0], os.listdir(folder)), (3, ["zoho.secret"]), "who says no gets nothing written")


try:
    the_ordinary_login()
    json_login()
    wrong_callbacks()
    second_hit()
    refusal_by_the_user()
    failed_exchange()
    ports()
    ipv6()
    pasting()
    ends()
    one_at_a_time()
    browsers()
    zoho()
    set_up()
finally:
    for process in running:
        if process.poll() is None:
            process.terminate()
            process.wait()
    shutil.rmtree(scratch, ignore_errors=True)
finish()
