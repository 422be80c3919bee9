# SPDX-License-Identifier: MIT
"""wire.py FAMILY FILE LIBRARY [COMMAND...] - capture what COP sockets send on loopback

FAMILY is inet or inet6.

In a network of its own, whose loopback it sets up. FILE is in pcap's format;
FILE.txt has a line for each datagram, as capture.py's flows() writes it, decoded
here. What the program says that has the sockets, talk() below or COMMAND, goes to
stdout.
"""
import os
import socket
import struct
import subprocess
import sys
import time

ETH_P_ALL = 3
SO_TIMESTAMPNS = 35
PACKET_OUTGOING = 4
SIX = {"inet": False, "inet6": True}[sys.argv[1]]
FAMILY, LOOPBACK = (socket.AF_INET6, "::1") if SIX else (socket.AF_INET,
                                                         "127.0.0.1")
HEADERS = 14 + (40 if SIX else 20) + 8
NEAR, FAR = (LOOPBACK, 40000), (LOOPBACK, 41000)


# ---- the program, with the library ------------------------------------------

def made(address):
    sock = socket.socket(FAMILY, 7, 253)
    sock.settimeout(10)
    sock.bind(address)
    return sock


def clock():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def send(sock, to, data):
    """Says when, by the clock that the header's time is of"""
    before = clock()
    sock.sendto(data, to)
    print(before, clock())


def talk():
    near, far = made(NEAR), made(FAR)
    for data in b"one", b"", b"three" * 100:
        send(near, FAR, data)
        assert far.recv(1000) == data
    for data in b"four", b"five":
        send(far, NEAR, data)
        assert near.recv(1000) == data
    send(near, FAR, b"six")
    assert far.recv(1000) == b"six"
    near.close()
    near = made(NEAR)
    send(near, FAR, b"anew")
    assert far.recv(1000) == b"anew"


# ---- who listens --------------------------------------------------------------

def tap():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                         socket.htons(ETH_P_ALL))
    sock.bind(("lo", ETH_P_ALL))
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.setblocking(False)
    return sock


def captured(sock):
    """When, in microseconds, and the frame; loopback shows each one twice"""
    while True:
        try:
            frame, ancillary, _, address = sock.recvmsg(65536, 64)
        except BlockingIOError:
            return
        if address[2] != PACKET_OUTGOING:
            seconds, nanoseconds = struct.unpack("=qq", ancillary[0][2])
            yield seconds * 1000000 + nanoseconds // 1000, frame


def write(path, frames):
    index = {}
    with open(path, "wb") as file, open(path + ".txt", "w") as text:
        file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for now, frame in frames:
            file.write(struct.pack("<IIII", now // 1000000, now % 1000000,
                                   len(frame), len(frame)) + frame)
            flags, seq, tstamp = struct.unpack_from("!3xB4xII", frame, HEADERS)
            flow = index.setdefault(frame[HEADERS - 8:HEADERS - 4], len(index))
            print(flow, now, seq, tstamp, flags, 0, file=text)


def main(path, library, *command):
    sock = tap()
    subprocess.run(command or [sys.executable, __file__, sys.argv[1], "talk"],
                   check=True, env=dict(os.environ, LD_PRELOAD=library))
    write(path, captured(sock))


if sys.argv[2] == "talk":
    talk()
else:
    main(*sys.argv[2:])
