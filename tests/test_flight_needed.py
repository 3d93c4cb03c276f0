#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_flight_needed.py: each safeguard of a refresh is needed: with it taken out of the library, a check that passes
otherwise fails. Builds a libtokeep for each from the objects of this build and one changed source."""
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "flight"))
from flight import HERE, Place, Provider, built, finish, note, ok, scratch, skip, wait_until

USER = "alice@example.com"
SOURCE = os.path.join(os.path.dirname(os.path.dirname(HERE)), "core")
BUILD = os.path.dirname(os.path.dirname(os.environ.get("TOKEEP_STAGE", "/nowhere/tests/stage")))
ARCHIVE = os.path.join(BUILD, "core", ".libs", "libcore.a")
CUT = built("cut")

provider = Provider("--rotate", "strict")


def place_with(library):
    place = Place(provider, "six")
    if library:
        place.environment["LD_LIBRARY_PATH"] = library
    place.expired(refresh_token=provider.seed())
    return place


def one_request_for_all(library):
    place = place_with(library)
    before = provider.requests()
    provider("fault", kind="delay", ms=300)
    answers = place.crowd(8, "token", USER)
    return len(set(answers)) == 1 and answers[0][0] == 0 and provider.requests() == before + 1


def under_way(place):
    provider("fault", kind="delay", ms=500)
    asker = place.start("token", USER)
    wait_until(lambda: any("\nsent " in text for text in place.journal()))
    time.sleep(0.1)
    return asker


def unsaved_is_kept(library):
    place = place_with(library)
    asker = under_way(place)
    way = os.path.join(place.data, "1.new")
    os.mkdir(way)
    token = asker.communicate()[0].decode().strip()
    os.rmdir(way)
    return place.run("token", USER).token == token


def newer_grant_stays(library):
    """Somebody without a lease, such as an SDK, stores another grant while the refresh is under way."""
    place = place_with(library)
    asker = under_way(place)
    grant = provider.seed()
    place.save({"user_name": USER, "client_id": "sandbox", "access_token": "theirs", "refresh_token": grant})
    asker.communicate()
    return place.show()["refresh_token"] == grant


def entry_is_durable_first(library):
    """A power cut would take an entry whose folder was not synced before the request left."""
    place = place_with(library)
    place.run("token", USER)
    place.expired()
    calls = os.path.join(scratch, "calls")
    place.run("token", USER, before=[CUT, "-o", calls], environment={"ASAN_OPTIONS": "detect_leaks=0"})
    with open(calls) as lines:
        before_request = lines.read().split(" connect ")[0]
    return bool(re.search(r" fdatasync .*/journal/.*\n(.*\n)*.* fsync .*/journal\n", before_request))


def dead_grant_asked_once(library):
    place = place_with(library)
    provider("revoke-all")
    place.run("token", USER)
    before = provider.requests()
    return place.run("token", USER).code == 5 and provider.requests() == before


def nothing_spent_on_a_broken_store(library):
    place = place_with(library)
    os.mkdir(os.path.join(place.data, "1.new"))
    before = provider.requests()
    place.run("token", USER)
    return provider.requests() == before


# What is taken out, where, the lines and what stands for them, the check that must notice.
SAFEGUARDS = (
    ("the second look under the lease", "refresh.c", "if (r || good_enough(x))", "if (r)", one_request_for_all),
    ("the lease", "lease.c", "if (!r && hostlock_take(lease->fd, lease->byte, wait_ms))", "if (0)", one_request_for_all),
    ("the answer in the journal", "exchange.c", "if (!journal_answer(&x->journal, record, x->flow->err))", "if (1)",
     unsaved_is_kept),
    ("the comparison before the save", "backend.c", "if (!r && !secret_equal(row.value[TOKEEP_FIELD_REFRESH_TOKEN], old))",
     "if (0)", newer_grant_stays),
    ("the fsync of the journal's folder", "journal.c", "else if (sync_folder(be->conf))",
     "else if (0 && sync_folder(be->conf))", entry_is_durable_first),
    ("the memory of refusals", "remember.c", "	r = remembered_refusal(x);\n	if (r)\n		return r;",
     "	r = 0 && remembered_refusal(x);", dead_grant_asked_once),
    ("the proof before spending", "refresh.c", "		r = prove(x);", "		r = 0 && prove(x);",
     nothing_spent_on_a_broken_store),
)


def library_without(file, text, other):
    """A folder with a libtokeep whose source has `other` in place of `text`; None where that can't be built."""
    folder = tempfile.mkdtemp(dir=scratch)
    with open(os.path.join(SOURCE, file)) as source:
        whole = source.read()
    if whole.count(text) != 1:
        return None
    changed = os.path.join(folder, file)
    with open(changed, "w") as out:
        out.write(whole.replace(text, other))
    compiler = os.environ.get("CC", "cc").split() + os.environ.get("CFLAGS", "-g -O1").split()
    target = os.path.join(folder, "libtokeep.so.0")
    built_ = subprocess.run(
        compiler + ["-std=gnu11", "-fPIC", "-fvisibility=hidden", "-shared", "-D_GNU_SOURCE", "-I", BUILD, "-I", SOURCE,
                    "-Wl,-soname,libtokeep.so.0", changed, "-Wl,--allow-multiple-definition", "-Wl,--whole-archive", ARCHIVE,
                    "-Wl,--no-whole-archive", "-lconfig", "-ljansson", "-pthread", "-ldl", "-o", target],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if built_.returncode:
        note(built_.stdout.decode()[:2000])
        return None
    return folder


def works(library):
    return place_with(library).run("token", USER).code == 0


if os.path.exists(ARCHIVE):
    for check in dict.fromkeys(s[4] for s in SAFEGUARDS):
        ok(check(None), "with all safeguards: %s" % check.__name__.replace("_", " "))
    for what, where, lines, instead, check in SAFEGUARDS:
        mutant = library_without(where, lines, instead)
        ok(mutant and works(mutant) and not check(mutant), "without %s (%s): %s fails" % (what, where, check.__name__.replace("_", " ")),
           "the line is not there once, or it does not build" if not mutant else "nobody noticed")
else:
    skip("each safeguard is needed", "the objects of the build are not here")
finish()
