#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_answers_kept.py: `tokeep token` meets each odd or hostile answer when its token has expired: the exit code is
right, the stored record stays as it was byte for byte unless there is a new token, and no secret is said aloud."""
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from answers import DONE, LOGIN, cases, fits
from netserver import CLEAN, Server, finish, ok

TIMEOUT_S = 3
USER = "alice@example.com"
CONFIG = """
store = "file";
file = { path = "%(folder)s/tokens.csv"; };
state_dir = "%(folder)s/state";
refresh = { timeout = %(timeout)d; };
clients = { crm = { token_url = "http://127.0.0.1:%(port)d/%(number)d"; client_id = "client"; dialect = "%(dialect)s"; }; };
"""
RECORD = {"user_name": USER, "client_id": "client", "refresh_token": "CANARY-refresh", "access_token": "CANARY-old",
          "expiry_time": "1000", "status": "ok"}


class Home:
    """A store of its own with one expired token in it."""

    def __init__(self, number, port, dialect):
        self.folder = tempfile.mkdtemp(prefix="tokeep-test.")
        self.environment = dict(CLEAN, HOME=self.folder, XDG_STATE_HOME=self.folder, XDG_CONFIG_HOME=self.folder)
        config = {"folder": self.folder, "timeout": TIMEOUT_S, "port": port, "number": number, "dialect": dialect}
        with open(os.path.join(self.folder, "tokeep.conf"), "w") as file:
            file.write(CONFIG % config)
        self.run("import", "-", said=json.dumps(RECORD))

    def run(self, *arguments, said=""):
        return subprocess.run(("tokeep", "-c", os.path.join(self.folder, "tokeep.conf")) + arguments, input=said.encode(),
                              env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)

    def stored(self):
        with open(os.path.join(self.folder, "tokens.csv"), "rb") as file:
            return file.read()


def without_status(stored):
    """Of the only record; its last field is the status."""
    return stored.rstrip(b"\r\n").rpartition(b",")[0]


def faults(number, port, requests):
    _, _, result, _, arguments, wanted = cases[number]
    home = Home(number, port, arguments["dialect"])
    before = home.stored()
    began = time.monotonic()
    done = home.run("token", USER)
    took = time.monotonic() - began
    after = home.stored()
    shutil.rmtree(home.folder)
    if not before.count(b"CANARY-refresh"):
        yield "the record was not imported"
    results = result if isinstance(result, tuple) else (result,)
    if -done.returncode not in results:
        yield "wanted exit %s, got %d" % ([-r for r in results], done.returncode)
    if done.returncode == -LOGIN:
        before, after = without_status(before), without_status(after)
    if done.returncode != DONE and before != after:
        yield "the store changed from %r to %r" % (before, after)
    if done.returncode != DONE and done.stdout:
        yield "a token was printed"
    if done.returncode == DONE and "access_token" in wanted and done.stdout.decode().rstrip("\n") != wanted["access_token"]:
        yield "another token was printed: %.80r" % done.stdout
    if done.returncode == DONE and not fits(b"CANARY-refresh" in after, wanted.get("refresh_token") is None):
        yield "the refresh token is not the one to keep: %.300r" % after
    if b"CANARY" in done.stderr or b"new-access" in done.stderr:
        yield "a secret was said"
    if took > TIMEOUT_S + 2:
        yield "took %.1f s" % took
    sent = sum(r["path"] == "/%d" % number for r in requests)
    if not 1 <= sent <= 2 or sent == 2 and done.returncode not in (6, 7):
        yield "sent %d requests" % sent
    if done.returncode != DONE:
        yield "# said: %.400s" % " / ".join(done.stderr.decode("utf-8", "replace").splitlines())


def main():
    server = Server(lambda request: cases[int(request["path"].strip("/"))][1])
    numbers = [n for n, c in enumerate(cases) if set(c[4]) == {"step", "dialect"} and c[4]["step"] == "refresh"]

    def run(number):
        return list(faults(number, server.port, server.requests))

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(run, numbers))
    for number, wrong in zip(numbers, outcomes):
        ok(not [w for w in wrong if not w.startswith("# ")], "kept: " + cases[number][0], *wrong)
    finish()


main()
