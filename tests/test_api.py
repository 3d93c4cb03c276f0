#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_api.py: what a token is used for: tokeep api, exec and revoke against a server that answers as the test says."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.dont_write_bytecode = True
from netserver import CLEAN, Server, answer, finish, is_, need, ok

need("tokeep")
scratch = tempfile.mkdtemp(prefix="tokeep-api.")
USER = "alice@example.com"
CONFIG = """
store = "file"; file = { path = "%(folder)s/tokens.csv"; }; state_dir = "%(folder)s/state"; refresh = { timeout = 5; };
clients = { crm = { token_url = "http://127.0.0.1:%(port)d/token"; client_id = "crm"; client_secret = "CANARY-secret";
                    revocation_url = "http://127.0.0.1:%(port)d/revoke"; header = "Zoho-oauthtoken";
                    api_hosts = [ "127.0.0.1:%(port)d" ]; };
            bare = { token_url = "http://127.0.0.1:%(port)d/token"; client_id = "bare"; client_auth = "none"; }; };
"""


class Home:
    """A store with one record, and a server: `api(request)`, `revoke` and `token` are its answers."""

    def __init__(self, api=None, revoke=None, token=None, **record):
        self.api, self.revoke = api or (lambda request: [answer("{}")]), revoke or [answer("")]
        self.token = token or [answer(json.dumps({"access_token": "CANARY-new", "token_type": "Bearer", "expires_in": 3600}))]
        self.folder = tempfile.mkdtemp(dir=scratch)
        self.server = Server(self.answer)
        self.base = "http://127.0.0.1:%d" % self.server.port
        path = os.path.join(self.folder, "tokeep.conf")
        with open(path, "w") as file:
            os.chmod(path, 0o600)
            file.write(CONFIG % {"folder": self.folder, "port": self.server.port})
        self.environment = dict(CLEAN, HOME=self.folder, XDG_STATE_HOME=self.folder, XDG_CONFIG_HOME=self.folder,
                                TOKEEP_CONFIG=path)
        whole = {"user_name": USER, "client_id": "crm", "access_token": "CANARY-old", "refresh_token": "CANARY-refresh",
                 "api_domain": self.base, "expiry_time": str(int(time.time() * 1000) + 3600000)}
        whole.update(record)
        self.run("import", "-", said=json.dumps(whole).encode())

    def answer(self, request):
        return {"/token": self.token, "/revoke": self.revoke}.get(request["path"]) or self.api(request)

    def run(self, *arguments, said=b"", **environment):
        done = subprocess.run(("tokeep",) + arguments, env=dict(self.environment, **environment), input=said,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        done.said = done.stderr.decode("utf-8", "replace")
        if "CANARY" in done.said:
            ok(False, "no secret is said aloud", arguments, done.said)
        return done

    def paths(self):
        return [r["path"] for r in self.server.requests]

    def users(self):
        return [r["user_name"] for r in json.loads(self.run("list", "--json").stdout)]


def words(request):
    return [answer(json.dumps({"method": request["method"], "path": request["path"], "body": request["body"],
                               "type": request["headers"].get("content-type"), "mine": request["headers"].get("x-mine"),
                               "authorization": request["headers"].get("authorization")}))]


def test_calls():
    home = Home(words)
    got = json.loads(home.run("api", USER, "/crm/v8/Leads?page=2").stdout)
    is_((got["method"], got["path"], got["authorization"]), ("GET", "/crm/v8/Leads?page=2", "Zoho-oauthtoken CANARY-old"),
        "a path goes to api_domain with the header's word of the provider")
    got = json.loads(home.run("api", home.base + "/x", "-d", '{"a": 1}').stdout)
    is_((got["method"], got["type"], got["body"]), ("POST", "application/json", '{"a": 1}'), "a body is a POST; JSON is told")
    got = json.loads(home.run("api", "/x", "-X", "PUT", "-d", "-", "-H", "X-Mine: 1", "-H", "Content-Type: text/csv",
                              said=b"a,b\n").stdout)
    is_((got["method"], got["type"], got["body"], got["mine"]), ("PUT", "text/csv", "a,b\n", "1"),
        "method, headers and a body from standard input go as given")
    with open(os.path.join(home.folder, "body"), "w") as file:
        file.write("a=b&c=d")
    got = json.loads(home.run("api", "/x", "-d", "@" + file.name).stdout)
    is_((got["type"], got["body"]), ("application/x-www-form-urlencoded", "a=b&c=d"), "a body comes from a file")
    is_(home.run("api", "/x", "-d", "@/nowhere").returncode, 2, "one that is not there is exit 2")
    for header in ("Authorization: Bearer x", "authorization : x", "Host: other", "no colon", "A: b\nC: d"):
        is_(home.run("api", "/x", "-H", header).returncode, 2, "header %r is refused" % header)
    is_(home.run("api", "/x", "-X", "get it").returncode, 2, "so is a method that is none")


def test_hosts():
    home = Home(words)
    other = Server(words)
    for url in ("http://127.0.0.1:%d/x" % other.port, "https://example.com/x", "http://localhost:%d/x" % home.server.port,
                "https://127.0.0.1:%d/x" % other.port):
        done = home.run("api", USER, url)
        ok(done.returncode == 3 and "api_hosts" in done.said and "clients.crm" in done.said,
           "%s is refused with the line to add" % url.split(":")[0], done.said)
    for url in ("http://example.com/x", home.base + "@example.com/", "file:///etc/passwd", "http://a b/"):
        is_(home.run("api", USER, url).returncode, 2, "%.20s is no URL to send a token to" % url.replace(home.base, "..."))
    is_(home.run("api", USER, home.base + "//" + "example.com/x").returncode, 0, "two slashes are a path like another")
    is_(len(other.requests), 0, "nothing reached the other host")
    moved = Home(lambda request: [answer("go", 302, None, "Location: http://127.0.0.1:%d/x" % other.port)])
    done = moved.run("api", "/x")
    is_((done.returncode, done.stdout, len(other.requests)), (0, b"go", 0), "a redirect is not followed")
    ok("redirect" in done.said, "which is said", done.said)
    bare = Home(words, client_id="bare", api_domain=None)
    is_(bare.run("api", "/x").returncode, 2, "without an api_domain a path is exit 2")
    is_(bare.run("api", bare.base + "/x").returncode, 3, "and without api_hosts no URL is taken")


def test_refused():
    fresh = lambda request: words(request) if "CANARY-new" in request["headers"]["authorization"] else [answer("old", 401)]
    home = Home(fresh)
    done = home.run("api", "/x")
    is_((done.returncode, json.loads(done.stdout)["authorization"]), (0, "Zoho-oauthtoken CANARY-new"),
        "a 401 has the token refreshed and the call repeated, its own body unseen")
    is_(home.paths(), ["/x", "/token", "/x"], "once")
    is_(home.run("token", USER).stdout, b"CANARY-new\n", "and the fresh token is stored")
    home = Home(lambda request: [answer("never", 401)])
    done = home.run("api", "/x", "--json")
    is_((done.returncode, done.stdout, home.paths()), (12, b"never", ["/x", "/token", "/x"]),
        "a second 401 is the answer: body printed, exit 12")
    is_(json.loads(done.said)["error"]["class"], "http", "of class http")
    home = Home(lambda request: [answer("never", 401)], token=[answer('{"error":"invalid_grant"}', 400)])
    done = home.run("api", "/x")
    is_((done.returncode, done.stdout, home.paths()), (12, b"never", ["/x", "/token"]), "where no refresh is to be had the first is")
    ok("invalid_grant" in done.said, "and why is said", done.said)

    def swapped(request):
        if "CANARY-old" in request["headers"]["authorization"]:
            home.run("import", "-", said=json.dumps({"id": "1", "user_name": USER, "client_id": "crm",
                                                     "access_token": "CANARY-new"}).encode())
            return [answer("old", 401)]
        return words(request)
    home = Home(swapped)
    is_((home.run("api", "/x").returncode, home.paths()), (0, ["/x", "/x"]),
        "a token that somebody else has replaced meanwhile is taken without a refresh")


def test_bodies():
    for status in (400, 404, 500):
        done = Home(lambda request: [answer("why", status)]).run("api", "/x")
        is_((done.returncode, done.stdout), (12, b"why"), "%d: exit 12, body printed" % status)
    done = Home(lambda request: [answer("slow", 429, None, "Retry-After: 7")]).run("api", "/x", "--json")
    is_((done.returncode, json.loads(done.said)["error"]["retry_after"]), (12, 7), "Retry-After of an API is told")
    big = os.urandom(1 << 20) * 8
    done = Home(lambda request: [answer(big)]).run("api", "/x")
    ok(done.returncode == 0 and done.stdout == big, "8 MiB of any bytes come out as they went in")
    done = Home(lambda request: [answer(big)[:-1000]]).run("api", "/x")
    is_(done.returncode, 6, "an answer cut off is exit 6")
    began = time.monotonic()
    done = Home(lambda request: [20, answer("late")]).run("api", "/x", "--timeout", "1")
    ok(done.returncode == 6 and time.monotonic() - began < 4, "--timeout ends the wait", done.said)


def test_exec():
    home = Home(api_domain=None)
    done = home.run("exec", USER, "--", "sh", "-c", 'echo "$TOKEEP_ACCESS_TOKEN|$TOKEEP_USER_NAME|${TOKEEP_API_DOMAIN-none}|$#"; '
                    "exit 9", "sh", "", "--json", "-v", TOKEEP_API_DOMAIN="outer")
    is_((done.returncode, done.stdout), (9, b"CANARY-old|alice@example.com|none|3\n"),
        "the command has the token in its environment, its arguments as they were, and its own exit code")
    done = home.run("exec", "--", "sh", "-c", "tr '\\0' ' ' </proc/$$/cmdline; trap")
    ok(b"CANARY" not in done.stdout, "no argument has the token")
    done = home.run("exec", "--", "sh", "-c", "yes | head -1 >/dev/null; grep SigIgn /proc/self/status")
    # The test itself may run with ignored signals.
    plain = subprocess.run(["grep", "SigIgn", "/proc/self/status"], stdout=subprocess.PIPE)
    is_(done.stdout, plain.stdout, "no signal is ignored in it because of us")
    is_(home.run("exec", "--", "/nowhere").returncode, 2, "a command that is not there is exit 2")
    is_(home.run("exec", USER).returncode, 2, "so is none")
    is_(home.run("exec", "bob@example.com", "--", "true").returncode, 4, "an unknown user is exit 4, and nothing is run")


def revoked(home):
    request = [r for r in home.server.requests if r["path"] == "/revoke"][-1]
    return dict(urllib.parse.parse_qsl(request["body"])), request["headers"].get("authorization", "")


def test_revoke():
    home = Home()
    done = home.run("revoke", USER)
    is_((done.returncode, home.users()), (0, []), "a token that the provider revoked is deleted")
    form, authorization = revoked(home)
    is_((form, authorization[:6]), ({"token": "CANARY-refresh", "token_type_hint": "refresh_token"}, "Basic "),
        "the refresh token was sent with its hint, the client authenticated")
    home = Home(refresh_token=None)
    home.run("revoke", USER)
    is_(revoked(home)[0], {"token": "CANARY-old", "token_type_hint": "access_token"}, "else the access token is")
    home = Home(revoke=[answer("", 503, None, "Retry-After: 9")])
    done = home.run("revoke", USER, "--json")
    is_((done.returncode, json.loads(done.said)["error"]["retry_after"], home.users()), (7, 9, [USER]),
        "503: the token is kept, and Retry-After told")
    home = Home(revoke=[answer('{"error":"unsupported_token_type"}', 400)])
    done = home.run("revoke", USER)
    ok(done.returncode == 9 and "unsupported_token_type" in done.said and "--local" in done.said and home.users() == [USER],
       "unsupported_token_type: kept, told, with the way out", done.said)
    home = Home(revoke=[answer('{"error":"invalid_token"}', 400)])
    is_((home.run("revoke", USER).returncode, home.users()), (0, []), "a token that the provider doesn't know is deleted")
    home = Home(client_id="bare")
    done = home.run("revoke", USER)
    ok(done.returncode == 3 and "revocation_url" in done.said and home.users() == [USER], "no revocation_url: kept, exit 3",
       done.said)
    done = home.run("revoke", "--id", "1", "--local", "--json")
    is_((json.loads(done.stdout)["revoked"], home.users(), home.paths()), (False, [], []), "--local asks nobody")
    is_(home.run("revoke", USER).returncode, 4, "an unknown user is exit 4")
    is_(home.run("revoke").returncode, 2, "nobody is revoked by leaving out the user")


try:
    for test in (test_calls, test_hosts, test_refused, test_bodies, test_exec, test_revoke):
        test()
finally:
    shutil.rmtree(scratch)
finish()
