#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_flight_single.py: one expired token, however many ask for it: one request, and the same answer for all."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "flight"))
from flight import FULL, Database, Place, Provider, built, finish, is_, libtokeep, ok, skip

ROUNDS = 20 if FULL else 5
CROWD = 64
THREADS = 16

provider = Provider("--rotate", "strict", "--fault", "kind=delay,ms=300,count=always")


def crowd_shares(store, group=""):
    place = Place(provider, store, group)
    place.expired(refresh_token=provider.seed())
    before, wrong = provider.requests(), []
    for number in range(ROUNDS):
        if number:
            place.expired()
        answers = place.crowd(CROWD, "token", "alice@example.com")
        kinds = set(answers)
        if len(kinds) != 1 or answers[0][0] != 0 or provider.requests() != before + number + 1:
            wrong.append("round %d: %d requests, %r; %s" % (number + 1, provider.requests() - before - number,
                                                            {k: answers.count(k) for k in kinds}, place.said[:2000]))
    ok(not wrong, "%s: %d processes, %d rounds: one request a round, one answer for all" % (store, CROWD, ROUNDS), *wrong)
    is_(provider.requests() - before, ROUNDS, "%s: %d refreshes in all" % (store, ROUNDS))
    ok(provider.alive(place.show().get("refresh_token", "")), "%s: the grant is alive" % store)
    is_(place.journal(), [], "%s: nothing is left in the journal" % store)


def threads_share(store):
    place = Place(provider, store)
    tool = built("threads", "-pthread", libtokeep())
    before = provider.requests()
    done = subprocess.run([tool, place.config, str(THREADS), str(ROUNDS), provider.seed(), place.client],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=place.environment)
    lines = done.stdout.decode().split("\n")
    is_(lines[:-1], ["1 answer"] * ROUNDS, "%s: %d threads with a context each get one answer a round" % (store, THREADS))
    is_(provider.requests() - before, ROUNDS, "%s: one request a round" % store)


crowd_shares("file")
crowd_shares("sqlite")
crowd_shares("six")
database = Database()
if database.here:
    crowd_shares("mysql", database.group())
else:
    skip("mysql: one request a round", "no MariaDB server is installed")
threads_share("memory")
threads_share("list")
is_(provider("state")["reuse_detected"], 0, "the provider, which ends a grant whose spent token comes again, saw none")
finish()
