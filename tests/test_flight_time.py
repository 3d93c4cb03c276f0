#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_flight_time.py: signals, stopped and killed holders, slow accounts, forks, deadlines and clocks that jump."""
import glob
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "flight"))
from flight import Place, Provider, built, finish, is_, libtokeep, ok, skip, wait_until

USER, OTHER = "alice@example.com", "bob@example.com"
LIMITS = "refresh = { timeout = 4; lock_timeout = 5; };"
YEAR = 365 * 24 * 3600
provider = Provider("--rotate", "strict")


def slow(milliseconds):
    provider("fault", kind="delay", ms=milliseconds)


def asking(place, user=USER):
    """A run whose request is under way."""
    asker = place.start("token", user)
    wait_until(lambda: any("\nsent " in text for text in place.journal()))
    time.sleep(0.1)
    return asker


def timed(call):
    started = time.monotonic()
    done = call()
    return done, time.monotonic() - started


def signalled(number, name):
    place = Place(provider, "file")
    place.expired(refresh_token=provider.seed())
    slow(1500)
    asker = asking(place)
    asker.send_signal(number)
    asker.communicate()
    is_(asker.returncode, -number, "%s while the provider has the request: the run ends by that signal" % name)
    record = place.show()
    is_((provider.alive(record["access_token"]), provider.alive(record["refresh_token"]), place.journal()),
        (True, True, []), "%s: but not before the answer is stored" % name)


def stopped(store):
    place = Place(provider, store, extra=LIMITS)
    place.expired(refresh_token=provider.seed())
    before = provider.requests()
    slow(1000)
    asker = asking(place)
    asker.send_signal(signal.SIGSTOP)
    done, seconds = timed(lambda: place.run("token", USER))
    ok(done.code == 10 and 4 < seconds < 8, "%s: a holder is stopped: others give up in time" % store, done, seconds)
    ok(re.search("another (run|process)|holds", done.err), "%s: the message says why" % store, done.err)
    asker.send_signal(signal.SIGCONT)
    out = asker.communicate()[0].decode().strip()
    is_((asker.returncode, provider.requests() - before), (0, 1), "%s: awake again, it brings its answer home" % store)
    is_((provider.alive(out), place.run("token", USER).token), (True, out), "%s: which all others get" % store)


def killed(store):
    place = Place(provider, store)
    place.expired(refresh_token=provider.seed())
    provider("fault", kind="delay", ms=3000)
    asker = asking(place)
    waiter = place.start("token", USER)
    time.sleep(0.3)
    asker.kill()
    asker.wait()
    _, seconds = timed(waiter.communicate)
    ok(waiter.returncode in (0, 5) and seconds < 1, "%s: the holder is killed: the next has its turn within a second" % store,
       waiter.returncode, seconds)
    asker.communicate()


def slow_account(store):
    place = Place(provider, store)
    place.expired(refresh_token=provider.seed())
    place.expired(OTHER, refresh_token=provider.seed(OTHER))
    place.save({"user_name": "carol@example.com", "client_id": "sandbox", "access_token": "good",
                "expiry_time": str(int(time.time() * 1000) + 3600000)})
    slow(3000)
    asker = asking(place)
    done, seconds = timed(lambda: place.run("token", OTHER))
    ok(done.code == 0 and seconds < 1.5, "%s: a slow refresh delays no other account's" % store, done, seconds)
    done, seconds = timed(lambda: place.run("token", "carol@example.com"))
    ok(done.token == "good" and seconds < 1, "%s: nor a token that is valid" % store, done, seconds)
    done, seconds = timed(lambda: place.save({"user_name": "dave@example.com", "access_token": "a"}))
    ok(seconds < 1, "%s: nor a save" % store, seconds)
    asker.communicate()


def programs():
    """What only a program can do: fork with a context, and set a deadline."""
    tool = built("caller", libtokeep())
    for store in ("file", "sqlite", "six"):
        place = Place(provider, store)
        place.expired(refresh_token=provider.seed())
        before = provider.requests()
        done = subprocess.run([tool, "fork", place.config], stdout=subprocess.PIPE, env=place.environment)
        lines = done.stdout.decode().split()
        is_((len(lines), len(set(lines)), provider.requests() - before), (2, 1, 1),
            "%s: parent and child of a fork share one refresh, with the context of the parent" % store)
    place = Place(provider, "file")
    place.expired(refresh_token=provider.seed())
    slow(2000)
    asker = asking(place)
    done, seconds = timed(lambda: subprocess.run([tool, "deadline", place.config], stdout=subprocess.PIPE,
                                                 env=place.environment))
    ok(done.stdout.split()[:1] == [b"-10"] and seconds < 1.5, "a deadline ends the wait for another's refresh",
       done.stdout, seconds)
    asker.communicate()
    is_(asker.returncode, 0, "which goes on")


def faketime():
    found = glob.glob("/usr/lib/*/faketime/libfaketime.so.1") + glob.glob("/usr/lib/faketime/libfaketime.so.1")
    return found[0] if found else None


def clocks():
    library = faketime()
    if "-fsanitize" in os.environ.get("CFLAGS", ""):
        return  # libfaketime can't be loaded before a sanitizer; other builds have this
    if not library:
        skip("clocks that are wrong by a year", "libfaketime is not installed")
        return

    def at(seconds):
        return {"LD_PRELOAD": library, "FAKETIME": "%+d" % seconds, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    for name, shift in (("forward", YEAR), ("back", -YEAR)):
        place = Place(provider, "file")
        place.expired(refresh_token=provider.seed())
        first = place.run("token", USER)
        before = provider.requests()
        done, seconds = timed(lambda: place.run("token", USER, environment=at(shift)))
        ok(done.code == 0 and done.token != first.token and provider.requests() == before + 1 and seconds < 5,
           "the clock is set %s by a year: one refresh" % name, done, provider.requests() - before, seconds)
        again = place.run("token", USER, environment=at(shift))
        is_((again.token, provider.requests() - before), (done.token, 1), "set %s: no endless loop" % name)
        done = place.run("token", USER)
        ok(done.code == 0 and provider.alive(done.token) and provider.requests() - before <= 2,
           "set right again after %s: a token that is alive" % name, done)
        expiry = int(place.show()["expiry_time"]) / 1000 - time.time()
        ok(0 < expiry <= 3600, "set right again after %s: which lives no longer than promised" % name, expiry)
        provider("fault", kind="status", status=503, count=2)
        place.expired()
        is_(place.run("token", USER, environment=at(shift)).code, 7, "set %s: a failure makes a pause" % name)
        done, seconds = timed(lambda: place.run("token", USER))
        ok(done.code == 0 and seconds < 5, "which is over when the clock is right again (%s)" % name, done)


signalled(signal.SIGTERM, "SIGTERM")
signalled(signal.SIGINT, "SIGINT")
stopped("file")
killed("file")
killed("sqlite")
killed("six")
slow_account("file")
slow_account("sqlite")
slow_account("six")
programs()
clocks()
finish()
