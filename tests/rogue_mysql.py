#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""rogue_mysql.py: a database server that wants what it must not get.

    rogue_mysql.py KIND PLUGIN HEARD [CERTIFICATE KEY]

Listens on 127.0.0.2, prints its port, and writes into the file HEARD every byte a client lets it read, TLS taken off.
PLUGIN is the authentication it opens with. KIND:

    plain    knows no TLS; whatever comes, asks for the password in clear
    tls      offers TLS with the certificate; then as above
    infile   knows no TLS, lets everybody in and answers each query with a request for the client's /etc/hostname
    silent   accepts and says nothing
"""
import socket
import ssl
import struct
import sys

LONG_PASSWORD, FOUND_ROWS, LONG_FLAG, WITH_DB, LOCAL_FILES = 1, 2, 4, 8, 0x80
PROTOCOL_41, SSL, TRANSACTIONS, SECURE, PLUGIN_AUTH = 0x200, 0x800, 0x2000, 0x8000, 0x80000
SCRAMBLE = b"abcdefghijklmnopqrst"
OK = b"\0\0\0\2\0\0\0"


class Client:
    def __init__(self, sock, heard):
        self.sock, self.heard, self.number = sock, heard, 0

    def take(self, size):
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            if not more:
                raise EOFError
            self.heard.write(more)
            self.heard.flush()
            data += more
        return data

    def read(self):
        size, _, number = struct.unpack("<HBB", self.take(4))
        self.number = number + 1
        return self.take(size)

    def write(self, payload):
        self.sock.sendall(struct.pack("<I", len(payload))[:3] + bytes([self.number & 255]) + payload)
        self.number += 1


def greeting(flags, plugin):
    return (b"\x0a5.5.5-10.11.0-MariaDB\0" + struct.pack("<I", 7) + SCRAMBLE[:8] + b"\0"
            + struct.pack("<HBHHB", flags & 0xffff, 45, 2, flags >> 16, 21) + b"\0" * 10
            + SCRAMBLE[8:] + b"\0" + plugin + b"\0")


def ask_for_password(client):
    client.read()
    client.write(b"\xfemysql_clear_password\0")
    client.read()
    client.write(OK)
    client.read()


def serve(client, kind, plugin, certificate):
    flags = (LONG_PASSWORD | FOUND_ROWS | LONG_FLAG | WITH_DB | LOCAL_FILES | PROTOCOL_41 | TRANSACTIONS | SECURE
             | PLUGIN_AUTH | (SSL if kind == "tls" else 0))
    if kind == "silent":
        client.take(1 << 20)
    client.write(greeting(flags, plugin))
    if kind == "infile":
        if struct.unpack("<I", client.read()[:4])[0] & LOCAL_FILES:
            client.heard.write(b"WOULD SEND FILES")
        client.write(OK)
        while True:
            client.read()
            client.write(b"\xfb/etc/hostname")
            client.heard.write(b"FILE:" + client.read())
            client.write(OK)
    if kind == "tls":
        client.read()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        client.sock = context.wrap_socket(client.sock, server_side=True)
        client.heard.write(b"TLS")
    ask_for_password(client)


def main():
    kind, plugin, path = sys.argv[1:4]
    listener = socket.socket()
    listener.bind(("127.0.0.2", 0))
    listener.listen()
    print(listener.getsockname()[1], flush=True)
    with open(path, "wb") as heard:
        while True:
            sock, _ = listener.accept()
            try:
                serve(Client(sock, heard), kind, plugin.encode(), sys.argv[4:6])
            except (EOFError, OSError) as why:
                heard.write(b"\nend: " + str(why).encode() + b"\n")
            heard.flush()
            sock.close()


main()
