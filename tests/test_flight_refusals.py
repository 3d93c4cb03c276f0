#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_flight_refusals.py: when no request is sent: the store could not take the answer, or an earlier run has been refused,
told to wait, or has used up what the provider gives."""
import json
import os
import re
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "flight"))
from flight import Database, Place, Provider, finish, fill, is_, ok, skip, small_disk

USER = "alice@example.com"
provider = Provider("--rotate", "strict")


def asked(ask, by=None):
    """What ask() came to, and how many requests that took."""
    by = by or provider
    before = by.requests()
    return ask(), by.requests() - before


def token(place):
    return lambda: place.run("token", USER)


def proven(name, place, spoil, mend):
    """Nothing is spent on a store, or a journal, that can't take the answer."""
    grant = provider.seed()
    place.expired(refresh_token=grant)
    spoil()
    done, requests = asked(token(place))
    is_((done.code, done.out, requests), (10, "", 0), "%s: exit 10 and no request" % name) or print("# %r" % done)
    ok(re.search("not spent|nothing was sent|Read-only|others may write", done.err), "%s: the message says why" % name, done.err)
    mend()
    ok(provider.alive(grant), "%s: the grant is as it was" % name)
    place.save({"user_name": USER, "client_id": "sandbox", "access_token": "nearly-over",
                "expiry_time": str(int(time.time() * 1000) + 30000)})
    spoil()
    done, requests = asked(token(place))
    is_((done.code, done.token, requests), (0, "nearly-over", 0), "%s: a token still valid is handed out" % name) or \
        print("# %r" % done)
    ok("still valid" in done.err, "%s: with a warning" % name, done.err)
    mend()
    done, requests = asked(token(place))
    is_((done.code, requests, provider.alive(done.token)), (0, 1, True), "%s: mended, it is refreshed" % name)


def on_small_disk(store):
    folder = small_disk()
    if not folder:
        skip("%s on a disk that is full or read-only" % store, "no root, or no tmpfs")
        return
    place = Place(provider, store, 'path = "%s/tokens";' % folder)
    proven("%s on a full disk" % store, place, lambda: fill(folder),
           lambda: os.unlink(os.path.join(folder, "ballast")))
    mount = lambda how: lambda: subprocess.run(["mount", "-o", "remount," + how, folder], check=True)  # noqa: E731
    proven("%s on a read-only disk" % store, Place(provider, store, 'path = "%s/other";' % folder), mount("ro"), mount("rw"))


def without_journal():
    place = Place(provider, "file")
    os.mkdir(place.state, 0o700)
    journal = os.path.join(place.state, "journal")

    def spoil():
        if os.path.isdir(journal):
            os.rename(journal, journal + ".away")
        open(journal, "w").close()
    proven("a journal that can't be made", place, spoil, lambda: os.unlink(journal))
    folder = small_disk("64k")
    if not folder:
        skip("a journal on a full disk", "no root, or no tmpfs")
        return
    place = Place(provider, "file", state=folder)
    place.run("list")
    proven("a journal on a full disk", place, lambda: fill(folder), lambda: os.unlink(os.path.join(folder, "ballast")))


def state_open_to_others():
    """Who may write into state_dir may put another journal, or another lock, in the place of ours."""
    place = Place(provider, "file")
    os.mkdir(place.state, 0o700)
    proven("a state_dir that others may write into", place, lambda: os.chmod(place.state, 0o777),
           lambda: os.chmod(place.state, 0o700))


def six_blocked():
    place = Place(provider, "six")
    way = os.path.join(place.data, "1.new")
    proven("six that can't save", place, lambda: os.mkdir(way), lambda: os.rmdir(way))


def on_mysql(database):
    place = Place(provider, "mysql", database.group("rights"))
    grants = ("SELECT, INSERT, UPDATE, DELETE, CREATE, INDEX, ALTER", "SELECT")
    place.run("list")

    def may(rights):
        return lambda: database("sql \"REVOKE ALL ON tokens.* FROM tokeep@'%%'; GRANT %s ON tokens.* TO tokeep@'%%'\"" % rights)
    proven("mysql that may only be read", place, may(grants[1]), may(grants[0]))

    columns = ["id", "user_name", "client_id", "client_secret", "refresh_token", "access_token", "grant_token", "expiry_time",
               "redirect_url", "api_domain"]
    for column, width in (("access_token", 30), ("expiry_time", 10)):
        narrow = ", ".join("%s varchar(%d)" % (c, width if c == column else 255) for c in columns[1:])
        database('sql "CREATE TABLE narrow_%s (id varchar(10) PRIMARY KEY, %s)"' % (column, narrow))
        place = Place(provider, "mysql", database.group("narrow_" + column))
        grant = provider.seed()
        place.save({"user_name": USER, "client_id": "sandbox", "refresh_token": grant})
        done, requests = asked(token(place))
        is_((done.code, requests), (10, 0), "mysql whose %s is too narrow: exit 10 and no request" % column) or \
            print("# %r" % done)
        ok(column in done.err, "the message names the column", done.err)

    place = Place(provider, "mysql", database.group("gone"))
    place.expired(refresh_token=provider.seed())
    database("mariadb_stop")
    done, requests = asked(token(place))
    is_((done.code, requests), (10, 0), "mysql that is gone: exit 10 and no request") or print("# %r" % done)
    database("mariadb_launch")


def refused(name, place):
    """The provider says that the grant is dead: that is asked once."""
    grant = provider.seed()
    place.expired(refresh_token=grant)
    provider("revoke-all")
    done, requests = asked(token(place))
    is_((done.code, requests), (5, 1), "%s: a dead grant is exit 5" % name) or print("# %r" % done)
    ok("tokeep login" in done.err, "%s: with the command that heals it" % name, done.err)
    is_(place.show().get("refresh_token"), grant, "%s: the record is kept" % name)
    answers, requests = asked(lambda: place.crowd(8, "token", USER))
    is_(({code for code, _ in answers}, requests), ({5}, 0), "%s: it is remembered: exit 5 at once for all" % name)
    done = place.run("refresh", USER)
    is_((done.code, done.err.count(USER + ": ")), (5, 1), "%s: refresh names the user once" % name) or print("# %r" % done)
    done = place.run("login", "--refresh-token", "-", "--user", USER, stdin=provider.seed())
    is_(done.code, 0, "%s: a login is taken" % name) or print("# %r" % done)
    place.expired()
    done, requests = asked(token(place))
    is_((done.code, requests), (0, 1), "%s: and refreshed like any other" % name) or print("# %r" % done)


def ten_columns():
    place = Place(provider, "sqlite")
    path = os.path.join(place.data, "tokens")
    os.close(os.open(path, os.O_CREAT, 0o600))
    with sqlite3.connect(path) as base:
        base.execute("create table oauthtoken (id varchar(10) NOT NULL, user_name varchar(255), client_id varchar(255), "
                     "client_secret varchar(255), refresh_token varchar(255), access_token varchar(255), "
                     "grant_token varchar(255), expiry_time varchar(20), redirect_url varchar(255), "
                     "api_domain varchar(255), primary key (id))")
    base.close()
    return place


def retry_after(done):
    return json.loads(done.err.strip().split("\n")[-1])["error"]["retry_after"]


def age(place, seconds):
    """As if what is remembered had happened so long ago."""
    folder = os.path.join(place.state, "pause")
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        text = open(path).read()
        with open(path, "w") as out:
            out.write(re.sub(r"(?m)^(since|stamp) (\d+)", lambda m: "%s %d" % (m[1], int(m[2]) - seconds * 1000), text))


def failing(name, code, **fault):
    """One retry, then a pause for all that doubles."""
    place = Place(provider, "file")
    grant = provider.seed()
    place.expired(refresh_token=grant)
    provider("fault", count="always", **fault)
    pauses = []
    for number in range(6):
        done, requests = asked(lambda: place.run("token", USER, "--json"))
        pauses.append(retry_after(done))
        if not number:
            is_((done.code, requests), (code, 2), "%s: exit %d after one retry" % (name, code)) or print("# %r" % done)
            answers, requests = asked(lambda: place.crowd(8, "token", USER))
            is_(({c for c, _ in answers}, requests), ({code}, 0), "%s: then a pause for all" % name)
        elif requests > 2:
            ok(False, "%s: one retry at most" % name, requests)
        age(place, pauses[-1])
    is_(pauses, [5, 10, 20, 40, 60, 60], "%s: the pause doubles up to a minute" % name)
    provider("fault", count="0", kind="delay", ms=0)
    with provider.opener.open(_delete(provider.url + "/_sandbox/fault")):
        pass
    done, requests = asked(token(place))
    is_((done.code, requests), (0, 1), "%s: afterwards it is refreshed; the refresh token was kept" % name) or print("# %r" % done)
    provider("fault", count=2, **fault)
    place.expired()
    is_(retry_after(place.run("token", USER, "--json")), 5, "%s: a success ends the doubling" % name)


def _delete(url):
    import urllib.request
    return urllib.request.Request(url, method="DELETE")


def told_to_wait():
    place = Place(provider, "file")
    place.expired(refresh_token=provider.seed())
    provider("fault", kind="status", status=503, retry_after=3)
    done, requests = asked(lambda: place.run("token", USER, "--json"))
    is_((done.code, requests, retry_after(done)), (7, 1, 3), "Retry-After is honoured: no retry, and told to the caller")
    done, requests = asked(token(place))
    is_((done.code, requests), (7, 0), "until it is over nobody asks")
    age(place, 3)
    done, requests = asked(token(place))
    is_((done.code, requests), (0, 1), "afterwards it is asked")


def lost_answers():
    """The refresh token is spent and the answer lost: asked once more, which some providers allow."""
    place = Place(provider, "file")
    grant = provider.seed()
    place.expired(refresh_token=grant)
    provider("fault", kind="reset_after")
    done, requests = asked(token(place))
    is_((done.code, requests), (5, 2), "a lost answer, no grace: exit 5 after the one retry") or print("# %r" % done)
    ok("lost on its way" in done.err, "the message says what happened", done.err)
    is_(place.show().get("refresh_token"), grant, "the record is kept")
    kind = Provider("--rotate", "grace:30")
    for fault in ("reset_after", "drop_after", "truncate"):
        place = Place(kind, "file")
        place.expired(refresh_token=kind.seed())
        kind("fault", kind=fault)
        done, requests = asked(token(place), kind)
        is_((done.code, requests, kind.alive(place.show()["refresh_token"])), (0, 2, True),
            "%s, with grace: it recovers by itself" % fault) or print("# %r" % done)


def unreachable():
    gone = Provider()
    place = Place(gone, "file")
    place.expired(refresh_token=gone.seed())
    gone.stop()
    done = place.run("token", USER)
    is_(done.code, 6, "nobody listens: exit 6") or print("# %r" % done)
    ok("not asked again" not in place.run("token", USER).err, "what was never sent is no reason for a pause")


def zoho_budget():
    zoho = Provider("--dialect", "zoho")
    place = Place(zoho, "file", dialect="zoho")
    grant = zoho("seed", user=USER)["refresh_token"]
    place.expired(refresh_token=grant)
    codes, requests = asked(lambda: [place.run("refresh", USER).code for _ in range(10)], zoho)
    is_((codes, requests), ([0] * 10, 10), "Zoho: ten access tokens within ten minutes")
    done, requests = asked(lambda: place.run("refresh", USER, "--json"), zoho)
    is_((done.code, requests), (7, 0), "the eleventh is refused before the request") or print("# %r" % done)
    is_(zoho("state")["throttled"], 0, "Zoho never had to")
    age(place, 601)
    zoho("set", throttle="0")
    done, requests = asked(lambda: place.run("refresh", USER), zoho)
    is_((done.code, requests), (0, 1), "ten minutes later it may be asked")


on_small_disk("file")
on_small_disk("sqlite")
without_journal()
state_open_to_others()
six_blocked()
data = Database()
if data.here:
    on_mysql(data)
else:
    skip("mysql proves first", "no MariaDB server is installed")
refused("file", Place(provider, "file"))
refused("sqlite", Place(provider, "sqlite"))
refused("ten columns", ten_columns())
failing("status 500", 7, kind="status", status=500)
failing("a reset connection", 6, kind="reset")
told_to_wait()
lost_answers()
unreachable()
zoho_budget()
finish()
