#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_device.py: the device flow against a server that answers as the test says: what is shown, how often it is
polled, and when it ends (RFC 8628, 3.2 to 3.5; Zoho's dialect)."""
import concurrent.futures
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.dont_write_bytecode = True
import netserver
from netserver import CLEAN, Reset, Server, answer, finish, need

need("tokeep")
lock = threading.Lock()


def ok(*arguments):
    with lock:
        netserver.ok(*arguments)


def is_(*arguments):
    with lock:
        netserver.is_(*arguments)


scratch = tempfile.mkdtemp(prefix="tokeep-device.")
CONFIG = """
store = "file"; file = { path = "%(folder)s/tokens.csv"; }; state_dir = "%(folder)s/state"; refresh = { timeout = 5; };
providers = { dc = { dialect = "zoho"; token_url = "{accounts}/token"; device_authorization_url = "{accounts}/device";
  device_token_url = "{accounts}/poll"; authorization_params = { access_type = "offline"; }; default_data_center = "us";
  data_centers = { us = { accounts = "http://127.0.0.1:%(port)d"; api = "http://127.0.0.1:%(port)d"; };
                   eu = { accounts = "http://localhost:%(port)d"; api = "http://localhost:%(port)d"; }; }; }; };
clients = { tv = { token_url = "http://127.0.0.1:%(port)d/token"; client_id = "tv"; scope = "a b"; client_auth = "none";
                   device_authorization_url = "http://127.0.0.1:%(port)d/device"; login_timeout = %(wait)d; };
            zoho = { provider = "dc"; client_id = "z"; client_secret = "z-secret"; scope = "A,B"; };
            none = { token_url = "http://127.0.0.1:%(port)d/token"; client_id = "none"; }; };
"""
CODE = {"device_code": "CANARY-device", "user_code": "WDJB-MJHT", "verification_uri": "https://op.example/device",
        "verification_uri_complete": "https://op.example/device?user_code=WDJB-MJHT", "expires_in": 1800, "interval": 1}
TOKEN = {"access_token": "CANARY-access", "refresh_token": "CANARY-refresh", "token_type": "Bearer", "expires_in": 3600}


def refusal(error, **more):
    return [answer(json.dumps(dict(more, error=error)), 400)]


class Login:
    """One `tokeep login --device`; `polls` are the server's answers in turn, the last one again and again."""

    def __init__(self, polls, code=CODE, client="tv", arguments=("--json",), wait=300, stop_after=None, raw=None):
        self.polls, self.times, self.forms, self.hosts, self.requests = polls, [], [], [], []
        self.code = raw or [answer(json.dumps(code))]
        self.folder = tempfile.mkdtemp(dir=scratch)
        server = Server(self.answer)
        path = os.path.join(self.folder, "tokeep.conf")
        with open(path, "w") as file:
            os.chmod(path, 0o600)
            file.write(CONFIG % {"folder": self.folder, "port": server.port, "wait": wait})
        self.environment = dict(CLEAN, HOME=self.folder, XDG_STATE_HOME=self.folder, XDG_CONFIG_HOME=self.folder,
                                TOKEEP_CONFIG=path)
        began = time.monotonic()
        process = subprocess.Popen(("tokeep", "login", client, "--device", "--user", "alice@example.com") + arguments,
                                   env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        if stop_after:
            time.sleep(stop_after)
            process.send_signal(signal.SIGINT)
        self.out, self.err = process.communicate(timeout=90)
        self.exit, self.took = process.returncode, time.monotonic() - began

    def answer(self, request):
        form = dict(urllib.parse.parse_qsl(request["body"]))
        self.requests.append(request)
        if request["path"] == "/device":
            self.asked = form
            return self.code
        self.times.append(time.monotonic())
        self.forms.append(form)
        self.hosts.append(request["headers"]["host"].split(":")[0])
        return self.polls[min(len(self.times), len(self.polls)) - 1]

    def gaps(self):
        return [round(b - a) for a, b in zip(self.times, self.times[1:])]

    def stored(self):
        path = os.path.join(self.folder, "tokens.csv")
        return open(path).read() if os.path.exists(path) else ""

    def left(self):
        folder = os.path.join(self.folder, "state", "journal")
        return os.listdir(folder) if os.path.exists(folder) else []


PENDING, TAKEN = refusal("authorization_pending"), [answer(json.dumps(TOKEN))]


def test_pace():
    login = Login([PENDING, PENDING, refusal("slow_down"), PENDING, TAKEN])
    is_(login.exit, 0, "pending and slow_down are waited out")
    is_(login.gaps(), [1, 1, 6, 6], "polled at the interval, and 5 s slower for good after slow_down")
    is_({f["grant_type"] for f in login.forms} | {f["device_code"] for f in login.forms},
        {"urn:ietf:params:oauth:grant-type:device_code", "CANARY-device"}, "with the grant type of RFC 8628")
    is_(login.asked, {"client_id": "tv", "scope": "a b"}, "the code was asked for with client and scope")
    ok("CANARY-refresh" in login.stored() and not login.left(), "the token is stored and the journal is empty")


def test_time_outs():
    login = Login([[Reset], [Reset], PENDING, TAKEN])
    is_((login.exit, login.gaps()), (0, [2, 4, 4]), "a poll without an answer doubles the interval")
    login = Login([[answer("busy", 503, None, "Retry-After: 3")], TAKEN])
    is_((login.exit, login.gaps()), (0, [3]), "Retry-After of a busy server is honoured")


def test_default_interval():
    login = Login([TAKEN], {k: v for k, v in CODE.items() if k != "interval"})
    ok(login.exit == 0 and 4.9 < login.took < 8, "without an interval it is 5 s", login.took)


def test_ends():
    for error in ("access_denied", "expired_token"):
        login = Login([PENDING, refusal(error)])
        is_((login.exit, len(login.times), login.stored(), login.left()), (5, 2, "", []),
            "%s ends the login, exit 5, nothing is left" % error)
    login = Login([refusal("invalid_client")])
    is_((login.exit, len(login.times)), (9, 1), "any other error ends it with its own class")
    login = Login([PENDING], dict(CODE, expires_in=3))
    ok(login.exit == 5 and login.took < 5 and len(login.times) <= 3, "it ends with the code, whatever the server says",
       login.took, login.err)
    ok("tokeep login tv --device" in login.err, "and names what to run", login.err)
    login = Login([PENDING], wait=2)
    ok(login.exit == 5 and login.took < 4, "or with login_timeout", login.took)
    login = Login([PENDING], stop_after=1.5)
    is_((login.exit, login.stored(), login.left()), (-signal.SIGINT, "", []), "Ctrl-C ends it and leaves nothing")


def test_shown():
    login = Login([TAKEN], arguments=())
    for part in (CODE["verification_uri"], CODE["verification_uri_complete"], CODE["user_code"]):
        ok(part in login.err, "%s is shown" % part, login.err)
    ok("CANARY" not in login.err, "the device code is not")
    ok("\033" not in login.err, "nor a QR code where there is no terminal")
    shown = json.loads(Login([TAKEN]).err.splitlines()[0])["device"]
    is_((shown["user_code"], shown["verification_uri"], shown["verification_uri_complete"]),
        (CODE["user_code"], CODE["verification_uri"], CODE["verification_uri_complete"]), "--json has them, too")
    login = Login([TAKEN], dict(CODE, user_code="A\033[2JB"), arguments=())
    ok(login.exit == 0 and "\033" not in login.err, "no control character of a server reaches the terminal", login.err)
    login = Login([TAKEN], dict({k: v for k, v in CODE.items() if "uri" not in k}, verification_url="https://g.example/d"))
    is_(login.exit, 0, "verification_url is the same by another name")


def test_bad_answers():
    for sentence, code, wanted in (
            ("no device_code", dict(CODE, device_code=None), 8), ("no user_code", dict(CODE, user_code=""), 8),
            ("no verification_uri", dict(CODE, verification_uri=7), 8),
            ("one that is no web page", dict(CODE, verification_uri="javascript:alert(1)"), 8)):
        login = Login([TAKEN], code)
        is_((login.exit, len(login.times)), (wanted, 0), "%s: refused, and nothing is polled" % sentence)
    is_(Login([TAKEN], raw=[answer("<html>", 200, "text/html")]).exit, 8, "HTML instead of a code: refused")
    is_(Login([TAKEN], raw=[answer("", 404)]).exit, 8, "404 instead of a code: refused")
    is_(Login([TAKEN], raw=refusal("unauthorized_client")).exit, 9, "a client that may not: exit 9")
    login = Login([TAKEN], client="none")
    ok(login.exit == 3 and "device_authorization_url" in login.err, "no endpoint: exit 3, and its name", login.err)
    login = Login([TAKEN], dict(CODE, interval=1e308, expires_in=-5), wait=2)
    ok(login.exit == 5 and login.took < 4, "times beyond reason are not waited for", login.exit, login.took, login.err)


def test_zoho():
    code = {"device_code": "CANARY-device", "user_code": "ABC", "verification_url": "https://z.example/d",
            "expires_in": 300000, "interval": 1000}
    zoho = lambda **fields: [answer(json.dumps(fields))]
    login = Login([zoho(error="authorization_pending"), zoho(error="slow_down"),
                   zoho(error="other_dc", user_location="eu"), zoho(**dict(TOKEN, api_domain="http://localhost:1"))],
                  code, "zoho")
    is_((login.exit, login.gaps()), (0, [1, 6, 6]), "Zoho: intervals in milliseconds, slow_down with status 200")
    is_(login.hosts, ["127.0.0.1"] * 3 + ["localhost"], "other_dc moves to the data centre it names")
    is_(login.asked, {"grant_type": "device_request", "client_id": "z", "client_secret": "z-secret", "scope": "A,B",
                      "access_type": "offline"}, "the code is asked for as Zoho has it")
    is_({f["grant_type"] + " " + f["code"] for f in login.forms}, {"device_token CANARY-device"}, "and polled with")
    ok("localhost" in login.stored().splitlines()[1], "the record has the data centre's api_domain", login.stored())
    login = Login([zoho(error="other_dc", user_location="evil")], code, "zoho")
    is_((login.exit, len(login.times)), (3, 1), "a data centre that the provider does not list is not followed")
    login = Login([zoho(error="other_dc", user_location="us")], code, "zoho")
    is_((login.exit, len(login.times)), (8, 1), "nor one that sends to itself")
    is_(Login([zoho(error="expired")], code, "zoho").exit, 5, "expired is exit 5")
    is_(Login([zoho(error="access_denied")], code, "zoho").exit, 5, "access_denied is exit 5")


tests = [test_pace, test_time_outs, test_default_interval, test_ends, test_shown, test_bad_answers, test_zoho]
try:
    # They wait more than they work.
    with concurrent.futures.ThreadPoolExecutor(len(tests)) as pool:
        list(pool.map(lambda test: test(), tests))
finally:
    shutil.rmtree(scratch)
finish()
