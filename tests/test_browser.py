#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_browser.py: a real browser, Chromium, goes through a login and shows our page, in light and dark. With
$TOKEEP_SCREENSHOTS the pictures are left in that folder, for people to look at."""
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import urllib.request
import zlib

sys.dont_write_bytecode = True
from netserver import CLEAN, finish, is_, need, ok, skip

need("tokeep-sandbox")
if not os.path.exists("%s/private/listener.so" % os.environ["TOKEEP_LIBDIR"]):
    skip("everything", "built without libmicrohttpd")
    finish()
chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if not chromium:
    skip("everything", "no chromium")
    finish()

scratch = tempfile.mkdtemp(prefix="tokeep-test.")
pictures = os.environ.get("TOKEEP_SCREENSHOTS", scratch)
# What a sanitizer or our libraries need is nothing for the browser.
wrapper = scratch + "/browser"
with open(wrapper, "w") as file:
    file.write("""#!/bin/sh
unset LD_PRELOAD LD_LIBRARY_PATH
exec %s --headless --no-sandbox --disable-gpu --no-first-run --user-data-dir="$HOME/profile" --window-size=800,600 \\
    --blink-settings=preferredColorScheme="$SCHEME" --timeout=20000 "$WHAT" "$1" >"$HOME/page" 2>"$HOME/words"
""" % chromium)
os.chmod(wrapper, 0o700)
environment = dict(CLEAN, HOME=scratch, XDG_CONFIG_HOME=scratch, XDG_STATE_HOME=scratch, BROWSER=wrapper)
environment.pop("TOKEEP_CONFIG", None)
sandbox = subprocess.Popen(["tokeep-sandbox", "--auto-approve", "alice@example.com"], stdout=subprocess.PIPE)
base = sandbox.stdout.readline().decode().split()[-1]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def fault(body):
    opener.open(base + "/_sandbox/fault", body.encode()).read()


config = scratch + "/test.conf"
with open(config, "w") as file:
    file.write('store = "file";\nfile = { path = "%s/tokens.csv"; };\nstate_dir = "%s/state";\n' % (scratch, scratch))
    file.write('clients = { op = { issuer = "%s"; client_id = "sandbox"; client_auth = "none"; login_timeout = 60; }; };\n'
               % base)
os.chmod(config, 0o600)


def log_in(what, scheme="1"):
    """The exit code, and what the browser printed. tokeep does not wait for the browser; we do."""
    page = scratch + "/page"
    if os.path.exists(page):
        os.remove(page)
    done = subprocess.run(["tokeep", "-c", config, "login"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=dict(environment, WHAT=what, SCHEME=scheme), timeout=90)
    for _ in range(200):
        if subprocess.run(["pgrep", "-f", scratch + "/profile"], stdout=subprocess.DEVNULL).returncode:
            break
        subprocess.run(["sleep", "0.1"])
    with open(page, errors="replace") as read:
        return done.returncode, read.read(), done.stderr.decode()


def first_pixel(path):
    """Red, green and blue at the upper left, of a PNG with 8 bits and no filter that needs a row above."""
    with open(path, "rb") as read:
        data = read.read()
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IDAT":
            packed += data[at + 8:at + 8 + size]
        at += size + 12
    return tuple(zlib.decompress(packed)[1:4])


REFUSED = 'kind=body&status=400&body={"error":"invalid_grant","error_description":"The code has expired <soon>"}'
try:
    status, page, err = log_in("--dump-dom")
    is_(status, 0, "a browser goes through the login")
    ok("<h1>Logged in</h1>" in page and "alice@example.com" in page, "and lands on our page", page, err)
    fault(REFUSED)
    status, page, err = log_in("--dump-dom")
    is_(status, 5, "a login that fails after the browser came back")
    ok("<h1>The login failed</h1>" in page and "The code has expired &lt;soon&gt;" in page, "is told there in words", page, err)
    for kind in ("success", "failure"):
        for name, scheme in (("light", "1"), ("dark", "0")):
            path = "%s/%s-%s.png" % (pictures, kind, name)
            if kind == "failure":
                fault(REFUSED)
            log_in("--screenshot=" + path, scheme)
            pixel = first_pixel(path) if os.path.exists(path) else None
            is_(pixel, (0x15, 0x17, 0x1b) if name == "dark" else (0xf4, 0xf5, 0xf7),
                "the page of a %s is %s where that is wanted: its own style is let in" % (kind, name))
finally:
    sandbox.terminate()
    sandbox.wait()
    shutil.rmtree(scratch, ignore_errors=True)
finish()
