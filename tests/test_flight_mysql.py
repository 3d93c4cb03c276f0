#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_flight_mysql.py: a refresh whose database is cut off at each packet, stalls, restarts, makes it wait or lose a deadlock:
an answer within the time-outs, one row, no spent refresh token presented again, and no grant lost."""
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "flight"))
from flight import FULL, HERE, Database, Place, Provider, closing, end, finish, is_, ok, scratch, skip, wait_until

ORDER = os.path.join(scratch, "order")
PACKETS_MAX = 80
CONNECTING = 3  # packets; what is cut off there may fail, for nothing is spent yet
TIMES = "connect_timeout = 1; read_timeout = 2; write_timeout = 2;"
USER = "alice@example.com"
# What isn't rolled back counts how often the server still says that this was a deadlock.
LOSES = """
CREATE TABLE left_over (n INT) ENGINE=MyISAM;
INSERT INTO left_over VALUES (0);
DELIMITER //
CREATE TRIGGER loses BEFORE UPDATE ON %s FOR EACH ROW
BEGIN
	UPDATE left_over SET n = n - 1 WHERE n > 0;
	IF ROW_COUNT() THEN
		SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'Deadlock found';
	END IF;
END //
"""


def user(number):
    return "user%d@example.com" % number


def proxy(database):
    process = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(HERE), "fault_proxy.py"), database.port, ORDER],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    closing.append(lambda: end(process))
    return int(process.stdout.readline())


def prepare(provider, place, count):
    place.save(*({"user_name": user(i), "client_id": "sandbox", "access_token": "stale-%d" % i, "expiry_time": "1000",
                  "refresh_token": provider("seed", user=user(i))["refresh_token"]} for i in range(count)))


def timed(run):
    started = time.monotonic()
    return run(), time.monotonic() - started


def not_reached():
    """The order is still there: the run had fewer packets."""
    try:
        os.unlink(ORDER)
        return True
    except FileNotFoundError:
        return False


def judge(provider, place, name, done, may_fail):
    """What must be true after a run that met a fault, and after the next."""
    record, wrong = place.show(name), []
    if done.code == 0:
        if record.get("access_token") != done.token or not provider.alive(done.token):
            wrong.append("the token printed is not the one stored: %r" % record)
    elif done.code not in may_fail:
        wrong.append("failed: %r" % done)
    after = place.run("token", name)
    record = place.show(name)
    if after.code or after.token != record.get("access_token") or (done.token and after.token != done.token):
        wrong.append("the next run: %r" % after)
    if not provider.alive(record.get("refresh_token", "")):
        wrong.append("the grant is dead")
    return wrong


def cut_at_each_packet(database, kind, step=1):
    provider = Provider("--rotate", "strict")
    place = Place(provider, "mysql", database.group("cut_" + kind, port) + TIMES)
    prepare(provider, place, PACKETS_MAX)
    wrong, number, slowest, runs = [], 1, 0, 0
    while number < PACKETS_MAX:
        with open(ORDER, "w") as order:
            order.write("%s %d" % (kind, number))
        done, seconds = timed(lambda: place.run("token", user(number)))
        if not_reached():
            break
        runs, slowest = runs + 1, max(slowest, seconds)
        # After a time-out a store does not try for as long again: before the request that is an error, after it exit 11.
        may_fail = (10, 11) if kind == "stall" else (10,) if number <= CONNECTING else ()
        wrong += ["packet %d: %s" % (number, w) for w in judge(provider, place, user(number), done, may_fail)]
        number += step
    ok(not wrong, "%s: a refresh cut off at %d of its packets: no grant is lost, and what can be stored is" % (kind, runs),
       *wrong)
    ok(runs * step > 12 and slowest < 12, "%s: of which there are some, within the time-outs" % kind, runs, slowest)
    is_(set(provider.presented().values()), {1}, "%s: each refresh token was presented once" % kind)
    is_(database("sql 'SELECT COUNT(*) - COUNT(DISTINCT user_name) FROM cut_%s'" % kind), ["0"], "%s: no row is there twice" % kind)
    is_(place.journal(), [], "%s: nothing is left in the journal" % kind)


def while_asked(provider, place, trouble):
    """Something happens to the database between the request and its answer. What `token` came to, and how long that took."""
    place.expired(refresh_token=provider.seed())
    provider("fault", kind="delay", ms=700)
    started = time.monotonic()
    asker = place.start("token", USER)
    wait_until(lambda: any("\nsent " in text for text in place.journal()))
    trouble()
    out, err = asker.communicate()
    return asker.returncode, out.decode().strip(), err.decode(), time.monotonic() - started


def comes_home(provider, place, token, what):
    requests = provider.requests()
    done = place.run("token", USER)
    is_((done.code, done.token, provider.requests(), place.journal()), (0, token, requests, []),
        "%s: the next run stores what the journal has" % what) or print("# %r" % done)
    ok(provider.alive(place.show()["refresh_token"]), "%s: the grant is alive" % what)


def server_in_trouble(database, provider):
    def place():
        return Place(provider, "mysql", database.group() + TIMES)

    here = place()
    code, token, err, _ = while_asked(provider, here, lambda: database("mariadb_restart"))
    ok((code, here.show().get("access_token")) == (0, token) or code == 11, "restarted while asked: stored, or kept", code, err)
    comes_home(provider, here, token, "restarted while asked")

    here = place()
    code, token, err, seconds = while_asked(provider, here, lambda: os.kill(database.pid, signal.SIGSTOP))
    is_((code, provider.alive(token)), (11, True), "stalled: exit 11, and the fresh token is printed") or print("# " + err)
    ok(seconds < 20, "stalled: within the time-outs", seconds)
    again, seconds = timed(lambda: here.run("token", USER))
    is_((again.code, again.token), (11, token), "stalled: the journal's token until it goes on") or print("# %r" % again)
    ok(seconds < 12, "stalled: within the time-outs, too", seconds)
    os.kill(database.pid, signal.SIGCONT)
    comes_home(provider, here, token, "stalled")

    here = place()
    table = "flight%d" % database.count
    hold = "sql \"START TRANSACTION; UPDATE %s SET redirect_url = 'x'; DO SLEEP(%d); COMMIT\" & sleep 0.2"
    code, token, err, _ = while_asked(provider, here, lambda: database(hold % (table, 2)))
    is_((code, here.show().get("access_token")), (0, token), "the row is locked for 2 s: it is waited for") or print("# " + err)
    here = place()
    table = "flight%d" % database.count
    code, token, err, seconds = while_asked(provider, here, lambda: database(hold % (table, 60)))
    is_((code, provider.alive(token)), (11, True), "the row stays locked: exit 11, and the fresh token is printed") \
        or print("# " + err)
    ok("Lock wait timeout" in err and seconds < 45, "the row stays locked: the message says so, in time", err, seconds)
    database("sql \"SELECT CONCAT('KILL ', id) FROM information_schema.processlist WHERE info LIKE 'DO SLEEP%'\" >$scratch/kill; "
             "sql \"$(cat $scratch/kill)\"")
    comes_home(provider, here, token, "the row stays locked")

    here = place()
    table = "flight%d" % database.count
    here.expired(refresh_token=provider.seed())
    with open(os.path.join(scratch, "trigger"), "w") as trigger:
        trigger.write(LOSES % table)
    database("mariadb --no-defaults --socket=$db_socket -uroot tokens <" + trigger.name)
    code, token, err, _ = while_asked(provider, here, lambda: database("sql 'UPDATE left_over SET n = 6'"))
    is_((code, here.show().get("access_token"), database("sql 'SELECT n FROM left_over'")), (0, token, ["0"]),
        "six deadlocks lost: tried again") or print("# " + err)
    is_(here.journal(), [], "six deadlocks lost: nothing is left in the journal")


base = Database()
if base.here:
    port = proxy(base)
    cut_at_each_packet(base, "before")
    cut_at_each_packet(base, "after")
    cut_at_each_packet(base, "stall", 1 if FULL else 12)
    strict = Provider("--rotate", "strict")
    server_in_trouble(base, strict)
    is_(strict("state")["reuse_detected"], 0, "no spent refresh token was presented")
else:
    skip("a refresh with a database in trouble", "no MariaDB server is installed")
finish()
