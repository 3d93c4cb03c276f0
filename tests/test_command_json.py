#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_command_json.py: with --json every verb speaks JSON, whether it succeeds or fails: on standard output what was
asked for, on standard error an object a line, the last one of a failure being the error with the class of the exit code."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from netserver import CLEAN, Server, answer, finish, is_, need, ok

need("tokeep")
scratch = tempfile.mkdtemp(prefix="tokeep-json.")
os.chmod(scratch, 0o700)
CLASSES = {1: "internal", 2: "usage", 3: "config", 4: "not_found", 5: "login_required", 6: "transport", 7: "retry_later",
           8: "invalid_response", 9: "client_rejected", 10: "store", 11: "unsaved", 12: "http"}
TOKEN = [answer('{"access_token":"a2","refresh_token":"r2","token_type":"Bearer","expires_in":3600}')]
CODE = [answer('{"device_code":"d","user_code":"U","verification_uri":"https://op.example/","expires_in":9,"interval":1}')]
REFUSED = [answer('{"error":"invalid_grant"}', 400)]
CONFIG = """
store = "file"; file = { path = "%(folder)s/tokens.csv"; }; state_dir = "%(folder)s/state";
stores = { other = "%(libdir)s/file.so"; }; other = { path = "%(folder)s/other.csv"; };
clients = { c = { token_url = "%(base)s/token"; client_id = "c"; client_secret = "s"; api_hosts = [ "%(host)s" ];
                  device_authorization_url = "%(base)s/device"; revocation_url = "%(base)s/revoke"; };
            dead = { token_url = "%(base)s/refused"; client_id = "dead"; client_secret = "s"; };
            web = { token_url = "%(base)s/token"; client_id = "web"; client_secret = "s"; }; };
default_client = "c";
"""


def serve(request):
    path = request["path"]
    if path == "/device":
        return CODE
    if path == "/missing":
        return [answer('{"why":"gone"}', 404)]
    return {"/token": TOKEN, "/refused": REFUSED, "/revoke": [answer("")]}.get(path) or [answer('{"fine":true}')]


server = Server(serve)
base = "http://127.0.0.1:%d" % server.port
config = os.path.join(scratch, "tokeep.conf")
with open(config, "w") as file:
    os.chmod(config, 0o600)
    file.write(CONFIG % {"folder": scratch, "base": base, "host": base[7:], "libdir": os.environ["TOKEEP_LIBDIR"]})
environment = dict(CLEAN, HOME=scratch, XDG_STATE_HOME=scratch, XDG_CONFIG_HOME=scratch, TOKEEP_CONFIG=config)
later = str(int(time.time() * 1000) + 3600000)
RECORDS = "".join(json.dumps(r) + "\n" for r in (
    {"id": "1", "user_name": "alice@example.com", "client_id": "c", "access_token": "a1", "refresh_token": "r1", "expiry_time": later},
    {"id": "2", "user_name": "dead@example.com", "client_id": "dead", "access_token": "x1", "refresh_token": "x2", "expiry_time": "1000"}))

# Arguments, exit code, standard input; in this order over one store.
TABLE = [
    ("import", 0, RECORDS), ("import -", 2, "nonsense\n"), ("import /nowhere", 2, ""),
    ("list", 0, ""), ("list --reveal", 0, ""), ("list extra", 2, ""),
    ("show alice@example.com", 0, ""), ("show nobody", 4, ""), ("show --id 1 --reveal", 0, ""), ("show", 0, ""),
    ("find --user alice@example.com", 0, ""), ("find --access-token -", 4, "none"), ("find", 2, ""),
    ("token alice@example.com", 0, ""), ("token nobody", 4, ""), ("token dead@example.com", 5, ""),
    ("token alice@example.com --header", 2, ""), ("token --min-ttl x", 2, ""),
    ("refresh alice@example.com", 0, ""), ("refresh nobody", 4, ""), ("refresh --all", 5, ""), ("refresh dead@example.com", 5, ""),
    ("api alice@example.com %s/x" % base, 0, ""), ("api alice@example.com %s/missing" % base, 12, ""),
    ("api alice@example.com https://example.com/", 3, ""), ("api alice@example.com", 2, ""), ("api /x", 2, ""),
    ("exec alice@example.com -- true", 0, ""), ("exec nobody -- true", 4, ""), ("exec", 2, ""), ("exec -- /nowhere", 2, ""),
    ("login c --refresh-token - --user carol@example.com", 0, "r9"), ("login c --refresh-token -", 2, ""),
    ("login dead --refresh-token - --user d@example.com", 5, "r9"), ("login c --code code --user carol@example.com", 0, ""),
    ("login dead --code -", 5, "code"), ("login c --device --user carol@example.com", 0, ""), ("login web --device", 3, ""),
    ("login c --client-credentials", 0, ""), ("login nobody --client-credentials", 3, ""), ("login c --device --code x", 2, ""),
    ("login web --no-browser", 3, ""),
    ("export", 0, ""), ("export /nowhere/file", None, ""),
    ("migrate file other --dry-run", 0, ""), ("migrate file other", 0, ""), ("migrate file nowhere", 3, ""), ("migrate file", 2, ""),
    ("revoke alice@example.com", 0, ""), ("revoke nobody", 4, ""), ("revoke dead@example.com", 3, ""), ("revoke", 2, ""),
    ("revoke --id 2 --local", 0, ""),
    ("delete 3", 0, ""), ("delete 3", 4, ""), ("delete", 2, ""),
    ("clear", 2, ""), ("clear --yes", 0, ""), ("list", 0, ""), ("token", 4, ""),
    ("check", 0, ""), ("check x", 2, ""), ("stores", 0, ""), ("stores x", 2, ""), ("providers", 0, ""), ("providers x", 2, ""),
    ("version", 0, ""), ("version x", 2, ""), ("help x", 2, ""), ("nonsense", 2, ""),
    ("-c /nowhere list", 3, ""), ("-c /nowhere check", None, ""),
]
TEXT = ["api", "exec", "help"]  # whose standard output is another's, or for people


def parses(text, lines):
    try:
        for part in text.splitlines() if lines else [text]:
            json.loads(part)
        return True
    except ValueError:
        return False


def faults(arguments, wanted, done):
    if wanted is not None and done.returncode != wanted:
        yield "wanted exit %d, got %d" % (wanted, done.returncode)
    verb = arguments.replace("-c /nowhere ", "").split()[0]
    if done.stdout and verb not in TEXT and not parses(done.stdout, False) and not parses(done.stdout, True):
        yield "standard output is no JSON: %.300r" % done.stdout
    if not done.returncode and not done.stdout and verb in ("list", "show", "find", "token", "login", "check", "stores", "version",
                                                             "providers", "revoke"):
        yield "nothing was printed"
    if not parses(done.stderr, True):
        yield "standard error is no JSON: %.300r" % done.stderr
    elif done.returncode:
        last = json.loads(done.stderr.splitlines()[-1]) if done.stderr else {}
        if last.get("error", {}).get("class") != CLASSES[done.returncode] or not last["error"]["message"] or \
                "retry_after" not in last["error"]:
            yield "no error of class %s: %.300r" % (CLASSES[done.returncode], done.stderr)


def main():
    known = set(re.findall(r"^  ([a-z]+) ", subprocess.run(["tokeep", "--help"], stdout=subprocess.PIPE, text=True).stdout, re.M))
    is_(known - {row[0].replace("-c /nowhere ", "").split()[0] for row in TABLE}, set(), "no verb is forgotten here")
    for arguments, wanted, said in TABLE:
        words = arguments.split()
        words.insert(words.index("--") if "--" in words else len(words), "--json")
        done = subprocess.run(["tokeep"] + words, env=environment, input=said, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60)
        wrong = list(faults(arguments, wanted, done))
        ok(not wrong, "JSON: tokeep %s" % arguments.replace(base, "URL"), *wrong, *([done.stderr.strip()] if wrong else []))
    finish()


try:
    main()
finally:
    shutil.rmtree(scratch)
