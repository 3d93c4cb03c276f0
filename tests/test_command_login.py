#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_command_login.py: login, token and refresh as commands, against the sandbox."""
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
from netserver import finish, is_, ok

if not shutil.which("tokeep-sandbox"):
    print("1..0 # SKIP tokeep-sandbox is not built: no libmicrohttpd")
    sys.exit(0)
if not os.path.exists(os.environ["TOKEEP_LIBDIR"] + "/sqlite.so"):
    print("1..0 # SKIP the sqlite store is not built")
    sys.exit(0)

scratch = tempfile.mkdtemp(prefix="tokeep-test.")
config = scratch + "/tokeep.conf"
environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
environment.update(TOKEEP_CONFIG=config, HOME=scratch, XDG_CONFIG_HOME=scratch, XDG_STATE_HOME=scratch)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
secrets = []


class Sandbox:
    def __init__(self, *options):
        self.process = subprocess.Popen(["tokeep-sandbox"] + list(options), stdout=subprocess.PIPE, text=True)
        self.base = self.process.stdout.readline().split()[-1]

    def ask(self, what, **fields):
        data = urllib.parse.urlencode(fields).encode()
        with opener.open("%s/_sandbox/%s" % (self.base, what), data, 20) as answer:
            text = answer.read().decode()
        return json.loads(text) if text.startswith("{") else text

    def seed(self, user):
        seeded = self.ask("seed", user=user, scope="ZohoCRM.modules.ALL AaaServer.profile.READ")
        secrets.extend(seeded[k] for k in ("refresh_token", "access_token", "code"))
        return seeded

    def requests(self):
        with opener.open(self.base + "/_sandbox/state", None, 20) as answer:
            return json.loads(answer.read().decode())["refreshes"]

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def configure(sandbox, extra=""):
    with opener.open(sandbox.base + "/_sandbox/config", None, 20) as answer:
        text = answer.read().decode()
    with open(config, "w") as file:
        file.write('store = "sqlite";\nsqlite = { path = "%s/tokens.db"; };\nstate_dir = "%s/state";\n%s%s'
                   % (scratch, scratch, extra, text))
    os.chmod(config, 0o600)


def run(*arguments, given=None):
    done = subprocess.run(["tokeep"] + list(arguments), input=given or "", capture_output=True, text=True,
                          env=environment, timeout=120)
    for secret in secrets:
        if secret in done.stderr:
            ok(False, "no secret is told", arguments, done.stderr)
    return done.returncode, done.stdout, done.stderr


def error(err):
    return json.loads(err)["error"]["class"]


def logins(sandbox):
    alice = sandbox.seed("alice@example.com")
    status, out, err = run("login", "--refresh-token", "-", "--user", "alice@example.com",
                           given=alice["refresh_token"] + "\n")
    is_((status, out), (0, ""), "login takes over a refresh token")
    ok("logged in as alice@example.com (id 1)" in err and "expires in " in err, "and says who is logged in", err)
    status, out, err = run("token", "alice@example.com")
    ok(status == 0 and out.startswith("1000.") and out.count("\n") == 1 and err == "", "then there is a token", out, err)

    bob = sandbox.seed("bob@example.com")
    status, out, err = run("login", "sandbox", "--code", "-", "--json", given=bob["code"])
    is_((status, err), (0, ""), "login takes a code")
    record = json.loads(out)
    is_((record["user_name"], record["refresh_token"]), ("bob@example.com", "<hidden>"),
        "--json prints the record, its secrets hidden")
    status, out, err = run("login", "--code", bob["code"], "--json")
    ok(status in (5, 9) and out == "" and error(err), "a code serves once", status, err)
    status, out, err = run("login", "nobody", "--code", "-", given="x")
    ok(status == 3 and "nobody" in err, "a client that is not in the config: exit 3", status, err)
    status, out, err = run("login", "--refresh-token", "-", "--json", given="1000.nothing.nothing")
    is_((status, error(err)), (5, "login_required"), "a refresh token that is none: exit 5")
    is_(json.loads(run("list", "--json")[1])[-1]["user_name"], "bob@example.com", "and nothing is kept of it")


def refreshes(sandbox):
    old = run("token", "alice@example.com")[1]
    status, out, err = run("refresh", "alice@example.com")
    is_((status, out), (0, ""), "refresh")
    ok("alice@example.com: refreshed; the access token expires in " in err, "says so", err)
    ok(run("token", "alice@example.com")[1] not in ("", old), "the token is another")
    before = sandbox.requests()
    status, out, err = run("refresh", "alice@example.com", "--before", "60")
    ok(status == 0 and "alice@example.com: not due" in err, "what isn't due is left alone", err)
    status, out, err = run("refresh", "--all", "--before", "60")
    ok(status == 0 and "0 refreshed, 2 not due, 0 failed" in err, "all of it", err)
    is_(sandbox.requests(), before, "without a request")
    status, out, err = run("refresh", "--all", "--before", "999999", "--json")
    is_((status, json.loads(out), err), (0, {"refreshed": 2, "not_due": 0, "failed": 0}, ""), "what is due is refreshed")
    is_(sandbox.requests(), before + 2, "by a request each")
    status, out, err = run("refresh", "alice@example.com", "bob@example.com")
    ok(status == 0 and "2 refreshed, 0 not due, 0 failed" in err, "several users", err)
    status, out, err = run("refresh", "--all", "--client", "nobody")
    ok(status == 0 and "0 refreshed" in err, "--client narrows", err)
    status, out, err = run("refresh", "--all", "--client", "sandbox")
    ok(status == 0 and "2 refreshed" in err, "by its name, too", err)
    status, out, err = run("refresh", "alice@example.com", "nobody@example.com", "--json")
    is_((status, error(err), json.loads(out)), (4, "not_found", {"refreshed": 1, "not_due": 0, "failed": 1}),
        "one that is not there stops no other")

    run("import", "-", given=json.dumps({"user_name": "dead@example.com", "client_id": "1000.SANDBOX",
                                         "refresh_token": "1000.dead.dead", "expiry_time": "1",
                                         "api_domain": sandbox.base}))
    status, out, err = run("refresh", "--all")
    is_(status, 5, "a dead grant among others: exit 5")
    ok("2 refreshed, 0 not due, 1 failed" in err, "and one summary line", err)
    ok("dead@example.com: " in err and "run: tokeep login" in err, "the failure is named, with what to do", err)


def unsaved():
    """The store refuses a changed access token, which trying with the old one doesn't show."""
    run("delete", "3")
    database = sqlite3.connect(scratch + "/tokens.db")
    database.execute("create trigger full before update on oauthtoken when new.access_token <> old.access_token "
                     "begin select raise(abort, 'no room'); end")
    database.execute("update oauthtoken set expiry_time = '1' where id = '1'")
    database.commit()
    status, out, err = run("token", "alice@example.com")
    ok(status == 11 and out.startswith("1000."), "a fresh token that can't be saved is printed: exit 11", status, out, err)
    ok("no room" in err, "with the store's words", err)
    first = out
    status, out, err = run("token", "alice@example.com", "--json")
    ok(status == 11 and json.loads(out)["access_token"] == first.strip() and error(err.splitlines()[-1]) == "unsaved",
       "again, from the journal, as JSON", status, out, err)
    database.execute("drop trigger full")
    database.commit()
    database.close()
    status, out, err = run("token", "alice@example.com")
    is_((status, out), (0, first), "once the store takes it, it is there")


def failures(sandbox):
    sandbox.stop()
    started = time.time()
    status, out, err = run("refresh", "bob@example.com", "--json")
    is_((status, error(err), json.loads(out)["failed"]), (6, "transport", 1), "no server: exit 6")
    ok(time.time() - started < 60, "in time")
    status, out, err = run("token", "bob@example.com")
    is_((status, err), (0, ""), "a token that is valid needs no server")


sandbox = Sandbox("--dialect", "zoho", "--token-life", "3600")
try:
    configure(sandbox)
    logins(sandbox)
    refreshes(sandbox)
    unsaved()
    failures(sandbox)
finally:
    if sandbox.process.returncode is None:
        sandbox.stop()
    shutil.rmtree(scratch)
finish()
