#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_flight_killed.py: kill -9 at every system call that has an effect, from the decision to refresh to the end of the run:
no spent refresh token comes again beyond the one retry, no record is lost, and what had arrived is kept.

Prints the table of cut points: what was about to be called, and what the next run came to."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "flight"))
from flight import FULL, Database, Place, Provider, built, digest, finish, is_, note, ok, scratch, skip

CUT = built("cut")
LIST = os.path.join(scratch, "points")


def user(number):
    return "user%d@example.com" % number


def points():
    with open(LIST) as lines:
        return [line.rstrip("\n").split(" ", 2)[1:] for line in lines]


def cut(place, number, name):
    # Where the lease is a row, what a run does to a file first is to look for a journal.
    begin = "journal" if place.store == "mysql" else "lock"
    return place.run("token", name, before=[CUT, "-c", "-b", begin, "-o", LIST, "-k", str(number), "-f", "kill"],
                     environment={"ASAN_OPTIONS": "detect_leaks=0"})


def prepare(provider, place, count):
    grants = [provider("seed", user=user(i))["refresh_token"] for i in range(count)]
    place.save(*({"user_name": user(i), "client_id": "sandbox", "access_token": "stale-%d" % i, "expiry_time": "1000",
                  "refresh_token": grants[i]} for i in range(count)))
    return grants


def answer_is_written(seen):
    """Of the calls of a run that was killed at the last of them: the second write to the journal was carried out."""
    return [name for name, path in seen[:-1] if name == "write" and "/journal/" in path][1:] != []


def end_leases(place):
    """A dead holder's row, as the database's clock would in a while."""
    if place.store == "mysql":
        database("sql 'DELETE FROM flight%d_lease'" % database.count)


def sweep(store, rotate, graceful, step=1, group=""):
    provider = Provider("--rotate", rotate)
    place = Place(provider, store, group)
    prepare(provider, place, 2)
    place.run("token", user(1))  # makes the folders
    whole = cut(place, 0, user(0))
    if whole.code:
        skip("%s, %s: killed at every point" % (store, rotate), "ptrace: %r" % whole)
        return
    last = len(points())
    grants = prepare(provider, place, last + 1)
    wrong, codes = [], {}
    for number in range(1, last + 1, step):
        killed = cut(place, number, user(number))
        seen = points()
        name, path = seen[-1]
        end_leases(place)
        spent = provider.presented().get(digest(grants[number]), 0)
        after = place.run("token", user(number))
        record = place.show(user(number))
        times = provider.presented().get(digest(grants[number]), 0)
        codes.setdefault(after.code, []).append(number)
        note("%-6s %-8s %2d %-9s %-40s next run: exit %d, presented %d, then %d" % (
            store, rotate, number, name, os.path.basename(path), after.code, spent, times))
        if killed.code != 137:
            wrong.append("%d: not killed: %r" % (number, killed))
        if not record.get("refresh_token"):
            wrong.append("%d: the record is gone" % number)
        if times > 2:
            wrong.append("%d: presented %d times" % (number, times))
        if answer_is_written(seen) and (after.code or times != 1 or not provider.alive(record["refresh_token"])):
            wrong.append("%d: the answer had arrived, and then: %r, presented %d times" % (number, after, times))
        if not spent and after.code:
            wrong.append("%d: nothing was sent, and then: %r" % (number, after))
        if graceful and (after.code or not provider.alive(record["refresh_token"])):
            wrong.append("%d: did not recover: %r" % (number, after))
        if not graceful and after.code and (after.code != 5 or "lost on its way" not in after.err):
            wrong.append("%d: does not say what happened: %r" % (number, after))
    ok(not wrong, "%s, %s: killed at %d points" % (store, rotate, -(-last // step)), *wrong)
    is_(place.journal(), [], "%s, %s: nothing is left in the journal" % (store, rotate))
    return codes


def both(store, graceful_step, new_group=lambda: ""):
    lost = sweep(store, "strict", False, group=new_group())
    sweep(store, "grace:60", True, 1 if FULL else graceful_step, new_group())
    if lost is not None:
        ok(1 <= len(lost.get(5, ())) <= 4, "%s: few calls stand between the request and the journal" % store, lost)


both("file", 1)
both("sqlite", 3)
database = Database()
if database.here:
    both("mysql", 3, database.group)
else:
    skip("mysql: killed at every point", "no MariaDB server is installed")
finish()
