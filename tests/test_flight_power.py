#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_flight_power.py: the power fails, after a refresh has returned and at its system calls: a file system of our own is shut
down without its log being flushed, then mounted again. Old or new record, new once success was returned, and no grant
lost whose answer had arrived."""
import fcntl
import json
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "flight"))
from flight import FULL, ROOT, Place, Provider, built, closing, finish, ok, scratch, skip

CUT = built("cut")
LIST = os.path.join(scratch, "points")
IMAGE, MOUNT = os.path.join(scratch, "disk.img"), os.path.join(scratch, "disk")
SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN
NO_LOG_FLUSH = 2
RUNS = 20 if FULL else 5
HOOK = os.path.join(scratch, "power-off")


def quietly(*words):
    return subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def mount():
    return quietly("mount", "-o", "loop", IMAGE, MOUNT)


def disk():
    os.mkdir(MOUNT)
    with open(IMAGE, "wb") as image:
        image.truncate(24 << 20)
    if not ROOT or not quietly("mkfs.ext4", "-q", "-F", IMAGE) or not mount():
        return False
    closing.append(lambda: quietly("umount", "-l", MOUNT))
    with open(HOOK, "w") as hook:
        hook.write("#!/bin/sh\nexec '%s' -c 'import fcntl, os, struct\n"
                   "fcntl.ioctl(os.open(\"%s\", os.O_RDONLY), %d, struct.pack(\"I\", %d))'\n" %
                   (sys.executable, MOUNT, SHUTDOWN, NO_LOG_FLUSH))
    os.chmod(HOOK, 0o700)
    return True


def power_off():
    fd = os.open(MOUNT, os.O_RDONLY)
    fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
    os.close(fd)


def power_on():
    if not quietly("umount", MOUNT) or not mount():
        raise RuntimeError("the disk doesn't come back")


def fresh(provider, place, user):
    place.save({"user_name": user, "client_id": "sandbox", "access_token": "stale", "expiry_time": "1000",
                "refresh_token": provider("seed", user=user)["refresh_token"]})


def returned(provider, place, store):
    wrong = []
    for number in range(RUNS):
        user = "after%d@example.com" % number
        fresh(provider, place, user)
        token = place.run("token", user).token
        power_off()
        power_on()
        record = place.show(user)
        if not token or record.get("access_token") != token or not provider.alive(record["refresh_token"]):
            wrong.append("%s: %r, but %r" % (user, token, record))
    ok(not wrong, "%s: %d power cuts after the token was printed: it is stored" % (store, RUNS), *wrong)


def save_and_cut(place, user, environment):
    """Is a record there after a save that returned success and a power cut?"""
    record = json.dumps({"user_name": user, "client_id": "sandbox", "access_token": "at", "refresh_token": "rt-" + user})
    if place.run("import", "-", stdin=record + "\n", environment=environment).code:
        raise RuntimeError("the save failed")
    power_off()
    power_on()
    return place.show(user).get("access_token") == "at"


def saved(place, store):
    lost = [n for n in range(RUNS) if not save_and_cut(place, "saved%d@example.com" % n, {})]
    ok(not lost, "%s: %d power cuts after a save returned: it is there" % (store, RUNS), *lost)
    if "-fsanitize" in os.environ.get("CFLAGS", ""):
        return  # nothing can be loaded before a sanitizer; other builds have this
    without = {"LD_PRELOAD": built("nosync.so", "-shared", "-fPIC")}
    lost = [n for n in range(RUNS) if not save_and_cut(place, "unsynced%d@example.com" % n, without)]
    ok(lost, "%s: without the fsync of the folder some are not, so it is needed" % store)


def at_calls(provider, place, store):
    before = [CUT, "-c", "-b", "lock", "-o", LIST]
    quiet = {"ASAN_OPTIONS": "detect_leaks=0"}
    fresh(provider, place, "whole@example.com")
    if place.run("token", "whole@example.com", before=before, environment=quiet).code:
        skip("%s: power cuts at its calls" % store, "ptrace")
        return
    with open(LIST) as lines:
        seen = [line.rstrip("\n").split(" ", 2)[1:] for line in lines]
    # Behind the sync of the second write to the journal the answer is safe.
    synced = [i for i, (name, path) in enumerate(seen, 1) if name == "fdatasync" and "/journal/" in path][1]
    wrong, chosen = [], range(1, len(seen) + 1, 1 if FULL else max(1, len(seen) // 20))
    for number in chosen:
        user = "at%d@example.com" % number
        fresh(provider, place, user)
        old = place.show(user)
        place.run("token", user, before=before + ["-k", str(number), "-f", HOOK], environment=quiet)
        power_on()
        record = place.show(user)
        new = record.get("access_token") != "stale"
        if not record or (not new and record != old) or (new and not provider.alive(record["access_token"])):
            wrong.append("%d %s: neither old nor new: %r" % (number, seen[number - 1], record))
        done = place.run("token", user)
        if number > synced and (done.code or not provider.alive(place.show(user)["refresh_token"])):
            wrong.append("%d %s: lost: %r" % (number, seen[number - 1], done))
        if done.code not in (0, 5):
            wrong.append("%d %s: %r" % (number, seen[number - 1], done))
    ok(not wrong, "%s: power cuts at %d of its calls: old or new, and nothing lost that had arrived" % (store, len(chosen)), *wrong)


if disk():
    for kind in ("file", "sqlite"):
        maker = Provider("--rotate", "strict")
        folder = os.path.join(MOUNT, kind)
        os.mkdir(folder, 0o700)
        here = Place(maker, kind, 'path = "%s/tokens";' % folder, state=os.path.join(folder, "state"))
        fresh(maker, here, "first@example.com")
        here.run("token", "first@example.com")
        os.sync()
        saved(here, kind)
        returned(maker, here, kind)
        at_calls(maker, here, kind)
else:
    skip("power cuts", "needs root, a loop device and mkfs.ext4")
finish()
