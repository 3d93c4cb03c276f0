# SPDX-License-Identifier: LGPL-2.1-or-later
"""netserver.py: what tests of the network share: TAP, the probe, and a server that answers byte for byte what
a test says, however wrong that is."""
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

count = 0
failed = 0


def ok(holds, sentence, *details):
    global count, failed
    count += 1
    print("%s %d - %s" % ("ok" if holds else "not ok", count, sentence))
    if not holds:
        failed += 1
        for line in details:
            print("#   %s" % (line,))
    sys.stdout.flush()
    return holds


def is_(got, want, sentence):
    return ok(got == want, sentence, "wanted %r" % (want,), "   got %r" % (got,))


def skip(sentence, why):
    global count
    count += 1
    print("ok %d - %s # SKIP %s" % (count, sentence, why))


def finish():
    print("1..%d" % count)
    sys.exit(failed != 0)


CLEAN = {k: v for k, v in os.environ.items()
         if k.lower() not in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir",
                              "sslkeylogfile")}


def probe(environment=None, **arguments):
    """Runs oauth_probe: a dict of the lines it printed, and all of them as `lines`. Where it died, or a sanitizer spoke,
    no result is as wanted."""
    done = subprocess.run(["oauth_probe"] + ["%s=%s" % pair for pair in arguments.items()],
                          env=dict(CLEAN, **(environment or {})), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    text = done.stdout.decode("utf-8", "replace")
    said = {"lines": text.splitlines(), "stderr": done.stderr.decode("utf-8", "replace"), "exit": done.returncode}
    for line in said["lines"]:
        name, _, value = line.partition(": ")
        said[name] = int(value) if value.lstrip("-").isdigit() else value
    if said["exit"] or said["stderr"]:
        said["result"] = "exit %d: %s" % (said["exit"], said["stderr"])
    return said


class Reset:
    """Closes the connection with RST instead of FIN."""


class Server:
    """Takes one request a connection and plays the pieces that `answer(request)` returns: bytes are sent, numbers are
    seconds to wait, Reset breaks the connection, a callable is called with the connection."""

    def __init__(self, answer, context=None, host="127.0.0.1"):
        self.answer = answer
        self.context = context
        self.requests = []
        self.connections = 0
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((host, 0))
        self.socket.listen(64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.socket.accept()
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            connection.settimeout(20)
            request = self.read(connection)
            if request is None:
                return
            self.requests.append(request)
            self.play(connection, self.answer(request))
        except (OSError, ssl.SSLError):
            pass
        finally:
            connection.close()

    @staticmethod
    def read(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return None
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        while len(body) < int(headers.get("content-length", 0)):
            body += connection.recv(65536)
        method, path, _ = lines[0].split(" ", 2)
        return {"method": method, "path": path, "headers": headers, "body": body.decode("latin-1"),
                "names": [line.partition(":")[0] for line in lines[1:]]}

    @staticmethod
    def play(connection, pieces):
        for piece in pieces:
            if isinstance(piece, (int, float)):
                time.sleep(piece)
            elif piece is Reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            elif callable(piece):
                piece(connection)
            else:
                connection.sendall(piece)
        try:
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def answer(body, status=200, kind="application/json", *headers):
    """The bytes of a proper answer."""
    if isinstance(body, str):
        body = body.encode()
    lines = ["HTTP/1.1 %d Words" % status, "Content-Length: %d" % len(body), "Connection: close"]
    if kind:
        lines.append("Content-Type: %s" % kind)
    return ("\r\n".join(lines + list(headers)) + "\r\n\r\n").encode("latin-1") + body


def need(*programs):
    """Skips the whole test where a program is missing."""
    for program in programs:
        if not any(os.access(os.path.join(d, program), os.X_OK) for d in os.environ["PATH"].split(os.pathsep)):
            skip("everything", "%s is not there" % program)
            finish()
