#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_flight_galera.py: hosts with a state folder of their own, each at its own node of a Galera cluster: one request a round;
and when a node is killed in the middle of one, still no more than that, and no grant is lost."""
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "flight"))
from flight import FULL, Cluster, Place, Provider, finish, is_, ok, skip, wait_until

USER = "alice@example.com"
NODES = (1, 2, 3)
EACH = 4
ROUNDS = 20 if FULL else 5
# A lease of a minute: a dead node's holder has that long to bring its answer home.
TIMES = "refresh = { timeout = 30; lock_timeout = 90; };"


class Balancer:
    """What stands in front of a cluster: leads to the first of these ports where somebody listens."""

    def __init__(self, ports):
        self.ports = ports
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client = self.listener.accept()[0]
            server = self.connect()
            for one, other in ((client, server), (server, client)) if server else ():
                threading.Thread(target=pass_on, args=(one, other), daemon=True).start()
            if not server:
                client.close()

    def connect(self):
        for port in self.ports:
            try:
                return socket.create_connection(("127.0.0.1", port))
            except OSError:
                pass
        return None


def pass_on(one, other):
    try:
        while data := one.recv(65536):
            other.sendall(data)
    except OSError:
        pass
    for end in (one, other):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Hosts:
    """A place for each node, and what all of them have asked for."""

    def __init__(self, cluster, provider):
        self.cluster, self.provider = cluster, provider
        self.places = {n: Place(provider, "mysql", cluster.node(n), extra=TIMES) for n in NODES}
        self.places[1].expired(refresh_token=provider.seed())
        self.requests = provider.requests()

    def ask(self, nodes):
        """What EACH processes of each of these nodes' hosts came to."""
        answers = []
        threads = [threading.Thread(target=lambda n=n: answers.extend(self.places[n].crowd(EACH, "token", USER)))
                   for n in nodes]
        for thread in threads:
            thread.start()
        return answers, threads

    def lease_ends(self):
        """As the clock would have it in a while."""
        self.cluster("galera_sql 1 'UPDATE tokens.oauthtoken_lease SET ends = UTC_TIMESTAMP(3)'")

    def round(self, first):
        """All ask for a token that has expired. What was wrong."""
        self.places[first].expired()
        answers, threads = self.ask(NODES)
        for thread in threads:
            thread.join()
        return self.judge(answers)

    def judge(self, answers, others=()):
        """One answer, one request since the last time; `others` lived at the node that died, and may have failed."""
        made, self.requests = self.provider.requests() - self.requests, self.provider.requests()
        tokens = {token for code, token in list(answers) + list(others) if code == 0}
        wrong = []
        if made != 1 or len(tokens) != 1 or any(code for code, _ in answers) or any(code not in (0, 10) for code, _ in others):
            wrong = ["%d requests" % made, set(answers), set(others)] + [p.said[:600] for p in self.places.values()]
        return wrong + self.alive(answers)

    def alive(self, answers):
        record = next((r for r in (p.show() for p in self.places.values()) if r), {})
        if self.provider.alive(record.get("refresh_token", "")) and ("access_token" in record) and \
                all(code or token == record["access_token"] for code, token in answers):
            return []
        return ["the grant is dead, or another token is stored: %r" % record]

    def holder(self, node):
        """A process at this node that has the lease and waits for the provider's answer."""
        self.places[node].expired()
        self.provider("fault", kind="delay", ms=1500)
        process = self.places[node].start("token", USER)
        wait_until(lambda: any("\nsent " in text for text in self.places[node].journal()))
        return process


def result(process):
    out, err = process.communicate()
    return process.returncode, out.decode().strip(), err.decode()


def another_node_dies(hosts, holder, dies):
    survivors = [n for n in NODES if n != dies]
    process = hosts.holder(holder)
    answers, threads = hosts.ask(survivors)
    there, more = hosts.ask([dies])
    hosts.cluster("galera_kill %d" % dies)
    for thread in threads + more:
        thread.join()
    code, token, err = result(process)
    wrong = hosts.judge(answers + [(code, token)], there)
    ok(not wrong, "a node dies while the holder at another waits for the answer: one request, one answer at the others",
       *wrong, err)


def holders_node_dies(hosts, node):
    """Its answer is kept in the journal until the node is back; the others wait for the lease."""
    others = [n for n in NODES if n != node]
    place = hosts.places[node]
    process = hosts.holder(node)
    answers, threads = hosts.ask(others)
    hosts.cluster("galera_kill %d" % node)
    code, token, err = result(process)
    is_((code, hosts.provider.alive(token)), (11, True), "the holder's own node dies: exit 11, and the fresh token is printed") \
        or print("# " + err)
    ok(any(token and token in text for text in place.journal()), "the journal has it")
    again = place.run("token", USER)
    is_((again.code, again.token), (11, token), "until the node is back it is handed out, without a request")
    is_(hosts.cluster("galera_restart %d" % node), [], "the node comes back")
    listed = place.run("list")
    is_((listed.code, place.journal()), (0, []), "the next run brings it home, whoever waits for the lease")
    hosts.lease_ends()
    for thread in threads:
        thread.join()
    wrong = hosts.judge(answers + [(0, token)])
    ok(not wrong, "those who waited at the other nodes get the same one, and there was one request", *wrong)


def balancer_leads_elsewhere(hosts, node):
    """The usual way to use a cluster: then the answer of a holder whose node dies has another way home at once."""
    others = [n for n in NODES if n != node]
    ports = [int(hosts.cluster("galera_port %d" % n)[0]) for n in [node] + others]
    direct = hosts.places[node]
    hosts.places[node] = Place(hosts.provider, "mysql", hosts.cluster.tcp(Balancer(ports).port), extra=TIMES)
    process = hosts.holder(node)
    answers, threads = hosts.ask(others)
    hosts.cluster("galera_kill %d" % node)
    code, token, err = result(process)
    for thread in threads:
        thread.join()
    wrong = hosts.judge(answers + [(code, token)])
    ok(not wrong, "where a balancer leads to another node, the holder whose node dies stores its answer there: one request, "
       "one answer", *wrong, err)
    is_(hosts.places[node].journal(), [], "and has nothing left in its journal")
    hosts.places[node] = direct


def calm(hosts, rounds, when):
    wrong = []
    for number in range(rounds):
        wrong += hosts.round(NODES[number % len(NODES)])
    ok(not wrong, "%s: %d hosts of %d processes, %d rounds: one request a round, one answer for all" %
       (when, len(NODES), EACH, rounds), *wrong)


cluster = Cluster()
if cluster.here:
    provider = Provider("--rotate", "strict", "--fault", "kind=delay,ms=300,count=always")
    hosts = Hosts(cluster, provider)
    calm(hosts, ROUNDS, "three nodes")
    another_node_dies(hosts, 1, 3)
    is_(cluster("galera_restart 3"), [], "it comes back")
    calm(hosts, 2, "after that")
    holders_node_dies(hosts, 2)
    calm(hosts, 2, "after that, too")
    balancer_leads_elsewhere(hosts, 3)
    is_([p.journal() for p in hosts.places.values()], [[], [], []], "nothing is left in any journal")
    is_(provider("state")["reuse_detected"], 0, "no spent refresh token was presented")
else:
    skip("a Galera cluster, a node of which dies", "no Galera is installed")
finish()
