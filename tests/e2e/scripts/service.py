# SPDX-License-Identifier: MIT
"""service.py serve PORT | ask PORT: a UDP server that echoes, and a client.

The client prints the echo, or "nothing" if there is none in time. The server is ready
when it has its port; systemd is told so if it waits for that.
"""
import os
import socket
import sys


def serve(port):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", port))
    if "NOTIFY_SOCKET" in os.environ:
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
    while True:
        data, peer = server.recvfrom(65536)
        server.sendto(data, peer)


def ask(port, seconds):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(seconds)
    client.sendto(b"hello", ("127.0.0.1", port))
    try:
        print(client.recv(100).decode(errors="replace"))
    except TimeoutError:
        print("nothing")


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    ask(int(sys.argv[2]), float(sys.argv[3]))
