#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_answers.py: what odd and hostile answers of a token endpoint come to. Over real sockets, each once: the right
class, in time, without growing, and with no secret in the message."""
import concurrent.futures
import sys

sys.dont_write_bytecode = True
from answers import cases, fits
from netserver import Server, finish, is_, ok, probe

GROWN_KIB = 16 * 1024
TIMEOUT = 2500


def faults(said, result, says, wanted):
    """What isn't as it should be; says nothing where all is."""
    if "result" not in said:
        yield "the probe failed: exit %s %s %s" % (said["exit"], said["lines"], said["stderr"])
        return
    if not fits(said["result"], result):
        yield "wanted result %s, got %s" % (result, said["result"])
    for name, value in wanted.items():
        if not fits(said.get(name), value):
            yield "wanted %s: %.80s, got %.80s" % (name, value, said.get(name))
    message = str(said.get("message", ""))
    if says and says not in message:
        yield "wanted a message with: %s" % says
    if said["result"] and not message.startswith("http://127.0.0.1:"):
        yield "wanted the server at the message's beginning"
    if "CANARY" in message or "CANARY" in str(said.get("error")) or "steal" in message:
        yield "a secret is in the message"
    if len(message) > 2000:
        yield "the message has %d bytes" % len(message)
    if said["elapsed_ms"] > TIMEOUT + 1000:
        yield "took %d ms" % said["elapsed_ms"]
    if said["grown_kib"] > GROWN_KIB:
        yield "grew by %d KiB" % said["grown_kib"]


def main():
    server = Server(lambda request: cases[int(request["path"].strip("/"))][1])

    def run(number):
        return probe(url="http://127.0.0.1:%d/%d" % (server.port, number), timeout=TIMEOUT, **cases[number][4])

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(run, range(len(cases))))
    for (name, _, result, says, _, wanted), said in zip(cases, outcomes):
        wrong = list(faults(said, result, says, wanted))
        ok(not wrong, name, *(wrong + ["message: %.300s" % said.get("message")]))
    is_(len(server.requests), len(cases), "each request was sent once and never again")
    grown = max((said.get("grown_kib", 0), c[0]) for said, c in zip(outcomes, cases))
    print("# %d answers; the largest growth was %d KiB (%s)" % (len(cases), grown[0], grown[1]))
    finish()


main()
