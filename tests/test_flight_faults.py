#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_flight_faults.py: every write, sync, rename, open and close of a refresh fails in turn, is interrupted, or really writes
three bytes only: success or an error as promised, the grant alive, nothing stray."""
import errno
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "flight"))
from flight import FULL, Place, Provider, built, finish, ok, scratch, skip

CUT = built("cut")
LIST = os.path.join(scratch, "points")
FAULTS = (("ENOSPC", errno.ENOSPC), ("EIO", errno.EIO), ("EINTR", errno.EINTR), ("short", "short"))
FAILS = ("write", "pwrite", "writev", "fsync", "fdatasync", "rename", "open", "close", "ftruncate")


def user(number):
    return "user%d@example.com" % number


def points():
    with open(LIST) as lines:
        return [line.rstrip("\n").split(" ", 2)[1:] for line in lines]


def cut(place, name, number=0, fault="kill"):
    return place.run("token", name, before=[CUT, "-b", "lock", "-p", place.folder, "-o", LIST, "-k", str(number),
                                            "-f", str(fault)], environment={"ASAN_OPTIONS": "detect_leaks=0"})


def prepare(provider, place, count):
    place.save(*({"user_name": user(i), "client_id": "sandbox", "access_token": "stale-%d" % i, "expiry_time": "1000",
                  "refresh_token": provider("seed", user=user(i))["refresh_token"]} for i in range(count)))


def applies(call, fault):
    if fault == "short":
        return call in ("write", "pwrite")
    if fault == errno.EINTR: # what the kernel may answer on a slow file system, or restarts by itself
        return call in ("write", "fsync", "fdatasync", "close")
    return call in FAILS


def judge(place, provider, name, done, what):
    """What must be true after a run that met a fault, and after the next."""
    wrong = []
    if done.code not in (0, 10, 11):
        wrong.append("%s: %r" % (what, done))
    if done.code in (0, 11) and not provider.alive(done.token):
        wrong.append("%s: no live token: %r" % (what, done))
    if done.code == 11 and not any(done.token in text for text in place.journal()) and "keep it" not in done.err:
        wrong.append("%s: exit 11, but the journal has nothing" % what)
    after = place.run("token", name)
    record = place.show(name)
    if "could not be written either" in done.err:
        return wrong # said so, and nothing more can be done
    if after.code or not provider.alive(after.token) or not provider.alive(record.get("refresh_token", "")):
        wrong.append("%s: %r, and then %r" % (what, done, after))
    return wrong


def sweep(store, label, fault, step):
    provider = Provider("--rotate", "strict")
    place = Place(provider, store)
    prepare(provider, place, 2)
    place.run("token", user(1))
    whole = cut(place, user(0))
    if whole.code:
        skip("%s: %s at every call" % (store, label), "ptrace: %r" % whole)
        return
    seen = [(i, call, path) for i, (call, path) in enumerate(points(), 1) if applies(call, fault)][::step]
    prepare(provider, place, len(seen) + 1)
    wrong = []
    for number, (point, call, path) in enumerate(seen, 1):
        done = cut(place, user(number), point, fault)
        if done.code == 77:
            skip("%s: %s" % (store, label), "this machine's calls can't be altered")
            return
        wrong += judge(place, provider, user(number), done, "%s of %s" % (call, os.path.basename(path)))
    ok(not wrong, "%s: %s at %d calls: success or an error as promised, and no grant lost" % (store, label, len(seen)), *wrong)
    ok(len(seen) > 0 and provider("state")["reuse_detected"] == 0, "%s: %s: no spent token was presented" % (store, label))
    stray = [n for n in os.listdir(place.data) if n.endswith(".tmp")] + place.journal()
    ok(not stray, "%s: %s: nothing stray is left" % (store, label), *stray)


for kind in ("file", "sqlite"):
    for text, number_or_short in FAULTS:
        sweep(kind, text, number_or_short, 1 if FULL or kind == "file" else 4)
finish()
