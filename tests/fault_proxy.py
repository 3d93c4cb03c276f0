#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""fault_proxy.py: stands between a client and a MySQL server on this host and breaks one connection at a chosen packet.

    fault_proxy.py PORT ORDER

Listens on 127.0.0.1 and prints its port. The file ORDER holds "KIND N": of the next connection

    before N    the client's Nth packet is not passed on; the client sees a reset, the server an end
    after N     it is passed on and answered, but instead of the answer the client sees a reset, the server an end
    stall N     it is not passed on, and nothing more happens

ORDER is removed when that has happened; without it everything passes.
"""
import os
import socket
import struct
import sys
import threading

NO_ANSWER = (0x19, 0x01, 0x18)  # COM_STMT_CLOSE, COM_QUIT, COM_STMT_SEND_LONG_DATA


def take(sock, size):
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def packet(sock):
    head = take(sock, 4)
    return head + take(sock, int.from_bytes(head[:3], "little"))


def reset(client, server):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    server.shutdown(socket.SHUT_RDWR)  # close() alone would wait for answers() to return
    server.close()


def answers(server, client, gate):
    """Passes on what the server says while the gate is open; notes that it said something."""
    try:
        while True:
            data = server.recv(65536)
            if not data:
                break
            gate["said"].set()
            if gate["open"]:
                client.sendall(data)
    except OSError:
        pass
    try:
        client.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def order(path):
    try:
        with open(path) as file:
            kind, number = file.read().split()
        return kind, int(number)
    except (OSError, ValueError):
        return None, 0


def serve(client, port, path):
    kind, number = order(path)
    server = socket.create_connection(("127.0.0.1", port))
    gate = {"open": True, "said": threading.Event()}
    threading.Thread(target=answers, args=(server, client, gate), daemon=True).start()
    count = 0
    try:
        while True:
            data = packet(client)
            count += 1
            if count == number:
                os.unlink(path)
                if kind == "stall":
                    client.recv(1)
                if kind == "after":
                    gate["open"] = False
                    gate["said"].clear()
                    server.sendall(data)
                    if len(data) > 4 and data[4] not in NO_ANSWER:
                        gate["said"].wait(5)
                reset(client, server)
                return
            server.sendall(data)
    except (EOFError, OSError):
        server.close()
        client.close()


def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, port, path), daemon=True).start()


main()
