# SPDX-License-Identifier: MIT
"""streams.py KIND - python's own streams on a socket's descriptor

KIND is udp or cop, and makes no difference to what is printed.
"""
import os
import socket
import sys

TYPE = {"udp": (socket.SOCK_DGRAM, 0), "cop": (7, 253)}[sys.argv[1]]


def pair():
    a, b = (socket.socket(socket.AF_INET, *TYPE) for _ in "ab")
    a.bind(("127.0.0.1", 0))
    b.bind(("127.0.0.1", 0))
    a.connect(b.getsockname())
    b.connect(a.getsockname())
    b.settimeout(5)
    return a, b


def rest(sock):
    sock.setblocking(False)
    while True:
        try:
            data = sock.recv(65536)
        except BlockingIOError:
            return
        print("  ", len(data), data[:20])


for buffering in 0, -1, 100:
    print("os.fdopen, buffering", buffering)
    a, b = pair()
    with os.fdopen(a.detach(), "wb", buffering=buffering) as stream:
        for words in b"some", b" words", b"x" * 150:
            stream.write(words)
        stream.flush()
        stream.write(b"last")
        number = stream.fileno()
    rest(b)
    try:
        os.fstat(number)
    except OSError as error:
        print("  ", error.strerror)

print("os.fdopen, text")
a, b = pair()
with os.fdopen(os.dup(a.fileno()), "w", buffering=1) as stream:
    print("one line", file=stream)
    print("another", file=stream)
rest(b)

print("makefile")
a, b = pair()
with a.makefile("w") as out, b.makefile("r") as stream:
    print("one line", file=out, flush=True)
    print("another", file=out, flush=True)
    print("  ", stream.readline(), stream.readline())

print("reading")
a, b = pair()
a.send(b"one\ntwo\n")
a.send(b"three\n")
with os.fdopen(b.detach(), "rb") as stream:
    print("  ", stream.readline(), stream.readline(), stream.readline())
