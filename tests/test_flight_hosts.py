#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_flight_hosts.py: two hosts with one database: network namespaces of their own, state folders of their own, and still
one request a round."""
import os
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "flight"))
from flight import FULL, ROOT, Database, Place, Provider, closing, end, finish, is_, ok, scratch, skip, wait_until

USER = "alice@example.com"
ROUNDS = 20 if FULL else 5
HERE = 8


def start(*words):
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    closing.append(lambda: end(process))
    return process


def host(port, door):
    """A network namespace with nothing but its loopback, on which the provider's port leads outside. What enters it."""
    inside = start("unshare", "-n", "sh", "-c", "ip link set lo up && exec socat TCP-LISTEN:%s,bind=127.0.0.1,fork,"
                   "reuseaddr,backlog=64 UNIX-CONNECT:%s" % (port, door))
    enter = ["nsenter", "-n", "-t", str(inside.pid)]
    up = wait_until(lambda: subprocess.run(enter + ["sh", "-c", "ss -ltn | grep -q :%s" % port],
                                           stderr=subprocess.DEVNULL).returncode == 0, 3)
    return enter if up else None


def hosts(provider, number):
    if not ROOT or not all(map(shutil.which, ("socat", "unshare", "nsenter", "ip", "ss"))):
        return None
    port, door = provider.url.rsplit(":", 1)[1], os.path.join(scratch, "door")
    start("socat", "UNIX-LISTEN:%s,fork,backlog=64" % door, "TCP:127.0.0.1:%s" % port)
    wait_until(lambda: os.path.exists(door))
    entries = [host(port, door) for _ in range(number)]
    return entries if all(entries) else None


def ask_everywhere(places):
    answers = []
    threads = [threading.Thread(target=lambda p=p: answers.extend(p.crowd(HERE, "token", USER))) for p in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def share(database, provider, entries):
    group = database.group("hosts")
    places = [Place(provider, "mysql", group, prefix=enter) for enter in entries]
    places[0].expired(refresh_token=provider.seed())
    before, wrong = provider.requests(), []
    for number in range(ROUNDS):
        if number:
            places[number % 2].expired()
        answers = ask_everywhere(places)
        if len(set(answers)) != 1 or answers[0][0] or provider.requests() - before != number + 1:
            wrong.append("round %d: %r" % (number + 1, set(answers)))
            wrong += [p.said[:500] for p in places]
    ok(not wrong, "two hosts, %d processes each, %d rounds: one request a round, one answer" % (HERE, ROUNDS), *wrong)
    is_(provider.requests() - before, ROUNDS, "%d refreshes in all" % ROUNDS)
    ok(provider.alive(places[1].show()["refresh_token"]), "the grant is alive")
    one_dies(provider, *places)


def one_dies(provider, here, there):
    """A host dies with the lease in the database and the request under way: the other one waits for its end, no longer."""
    limits = "refresh = { timeout = 3; lock_timeout = 6; };"
    for place in (here, there):
        with open(place.config, "a") as out:
            out.write(limits + "\n")
    here.expired()
    provider("fault", kind="delay", ms=2000)
    asker = here.start("token", USER)
    wait_until(lambda: here.journal())
    asker.kill()
    asker.communicate()
    started = time.monotonic()
    done = there.run("token", USER)
    seconds = time.monotonic() - started
    ok(done.code in (0, 5) and 1 < seconds < 7, "a host that died loses its lease by the database's clock", done, seconds)
    ok(there.show()["refresh_token"], "the record is kept")


database = Database()
provider = Provider("--rotate", "strict", "--fault", "kind=delay,ms=300,count=always")
namespaces = hosts(provider, 2) if database.here else None
if namespaces:
    share(database, provider, namespaces)
else:
    skip("two hosts, one database: one request a round", "needs root, network namespaces, socat and a MariaDB server")
finish()
