#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_flight_unsaved.py: the answer has come and the store doesn't take it: the journal has it, the token is handed out
with exit 11, and the next run brings it home. What is in the journal is neither overlooked nor overwritten."""
import fcntl
import os
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "flight"))
from flight import Database, Place, Provider, fill, finish, is_, ok, skip, small_disk, wait_until

USER = "alice@example.com"
F_OFD_SETLK = 37

provider = Provider("--rotate", "strict")


def slow(milliseconds=600):
    provider("fault", kind="delay", ms=milliseconds)


def armed(place):
    return wait_until(lambda: any("\nsent " in text for text in place.journal()))


def breaks_while_asked(place, break_it):
    """The store breaks between the request and its answer. What `token` came to."""
    slow()
    asker = place.start("token", USER)
    armed(place)
    break_it()
    out, err = asker.communicate()
    return asker.returncode, out.decode().strip(), err.decode()


def unsaved(name, place, break_it, mend):
    place.expired(refresh_token=provider.seed())
    code, token, err = breaks_while_asked(place, break_it)
    is_((code, provider.alive(token)), (11, True), "%s: exit 11, and the fresh token is printed" % name) or print("# " + err)
    ok("journal has it" in err and "tokeep check" in err, "%s: the message says where it is and what to run" % name, err)
    ok(any(token and token in text for text in place.journal()), "%s: the journal has it" % name)
    requests = provider.requests()
    again = place.run("token", USER)
    is_((again.code, again.token, provider.requests()), (11, token, requests),
        "%s: while it is broken the journal's token is handed out, without a request" % name) or print("# %r" % again)
    for words in (("token", "--id", "1"), ("token", USER, "--client", "sandbox")):
        again = place.run(*words)
        is_((again.code, again.token, provider.requests()), (11, token, requests),
            "%s: so it is by %s" % (name, words[-2])) or print("# %r" % again)
    mend()
    place.run("list")
    is_((place.show().get("access_token"), place.journal()), (token, []),
        "%s: mended, the next run of any verb stores it" % name)
    ok(provider.alive(place.show().get("refresh_token", "")), "%s: the grant is alive" % name)
    is_(place.run("token", USER).token, token, "%s: it is the one handed out from then on" % name)


def readable_by_others(store):
    place = Place(provider, store)
    path = os.path.join(place.data, "tokens")
    unsaved("%s refused as readable by others" % store, place, lambda: os.chmod(path, 0o644), lambda: os.chmod(path, 0o600))


def full_disk(store):
    folder = small_disk()
    if not folder:
        skip("%s on a full disk" % store, "no root, or no tmpfs")
        return
    place = Place(provider, store, 'path = "%s/tokens";' % folder)
    unsaved("%s on a full disk" % store, place, lambda: fill(folder), lambda: os.unlink(os.path.join(folder, "ballast")))


def six_in_the_way(place, number="1"):
    """The third-party store writes NUMBER.new first: a folder of that name keeps it from saving."""
    path = os.path.join(place.data, number + ".new")
    return lambda: os.mkdir(path), lambda: os.rmdir(path)


class Glance(threading.Thread):
    """Somebody who looks through the journal has each entry locked for a moment."""

    def __init__(self, place, seconds):
        super().__init__()
        self.seconds = seconds
        folder = os.path.join(place.state, "journal")
        self.files = [open(os.path.join(folder, name), "r+") for name in os.listdir(folder)]
        for entry in self.files:
            fcntl.fcntl(entry, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 1, 1, 0))
        self.start()

    def run(self):
        time.sleep(self.seconds)
        for entry in self.files:
            entry.close()


def left_behind():
    """A place whose journal has an answer, its store mended; the token."""
    place = Place(provider, "six")
    place.expired(refresh_token=provider.seed())
    block, mend = six_in_the_way(place)
    token = breaks_while_asked(place, block)[1]
    mend()
    return place, token


def entry_is_not_overlooked():
    place, token = left_behind()
    requests = provider.requests()
    glance = Glance(place, 1)
    done = place.run("token", USER)
    glance.join()
    is_((done.code, done.token, provider.requests()), (0, token, requests),
        "an answer in the journal that somebody looks at just then is waited for") or print("# %r" % done)

    place, token = left_behind()
    entry = os.path.join(place.state, "journal", os.listdir(os.path.join(place.state, "journal"))[0])
    requests = provider.requests()
    os.chmod(entry, 0o644)
    done = place.run("token", USER)
    is_((done.code, provider.requests(), len(place.journal())), (10, requests, 1),
        "an entry that can't be read keeps the refresh token from being spent again") or print("# %r" % done)
    ok("chmod 600" in done.err, "the message says what to run", done.err)
    ok("chmod 600" in place.run("check").out, "so does check")
    os.chmod(entry, 0o600)
    is_(place.run("token", USER).token, token, "mended, it is stored")

    place, token = left_behind()
    entry = os.path.join(place.state, "journal", os.listdir(os.path.join(place.state, "journal"))[0])
    text = open(entry).read()
    with open(entry, "w") as out:
        out.write(text.replace("tokeep-journal 1", "tokeep-journal 2"))
    done = place.run("token", USER)
    is_((done.code, len(place.journal())), (10, 1), "an entry of a later version is left to that version") or print("# %r" % done)


def logins_wait_side_by_side():
    place = Place(provider, "six")
    tokens = [provider.seed("bob@example.com"), provider.seed("bob@example.com")]
    block, mend = six_in_the_way(place)
    block()
    codes = [place.run("login", "--refresh-token", "-", stdin=token).code for token in tokens]
    is_((codes, len(place.journal())), ([11, 11], 2), "two logins that the store doesn't take are both in the journal")
    last = [text for text in place.journal()]
    mend()
    place.run("list")
    row = place.show("sandbox")
    is_(place.journal(), [], "mended, both are brought home")
    newest = max(last, key=lambda text: int(text.split("\nissued_time ")[1].split("\n")[0]))
    ok("access_token %s\n" % row.get("access_token") in newest, "the later one of a user stays", row, *last)


def older_answer_stays_out():
    """A provider that doesn't rotate, two hosts, one store."""
    steady = Provider("--rotate", "never")
    here = Place(steady, "six")
    there = Place(steady, "six", 'path = "%s";' % here.data)
    here.expired(refresh_token=steady.seed())
    block, mend = six_in_the_way(here)
    steady("fault", kind="delay", ms=600)
    asker = here.start("token", USER)
    armed(here)
    block()
    asker.communicate()
    is_((asker.returncode, len(here.journal())), (11, 1), "one host's answer is in its journal")
    mend()
    time.sleep(0.05)
    newer = there.run("token", USER).token
    here.run("list")
    is_((here.show()["access_token"], here.journal()), (newer, []),
        "what another host got since is not overwritten by the older answer")


readable_by_others("file")
full_disk("file")
full_disk("sqlite")
custom = Place(provider, "six")
unsaved("six whose file is blocked", custom, *six_in_the_way(custom))
database = Database()
if database.here:
    unsaved("mysql stopped", Place(provider, "mysql", database.group()), lambda: database("mariadb_stop"),
            lambda: database("mariadb_launch"))
else:
    skip("mysql stopped", "no MariaDB server is installed")
entry_is_not_overlooked()
logins_wait_side_by_side()
older_answer_stays_out()
is_(provider("state")["reuse_detected"], 0, "no spent refresh token was presented")
finish()
