# SPDX-License-Identifier: MIT
"""relay.py - UDP between senders and a receiver, with losses that are known.

relay.py RECEIVER'S_PORT [ACTION...] prints "port N" and relays what comes there,
each sender's datagrams from a port of its own, and what comes back. An action is
for what senders send, by number, from 1 on and for each sender by itself:

    drop@3,7    does not go on
    drop%5      of each five the last does not
    double@3    goes on twice
    again8@3    goes on, and once more when eight more have come
    late2@3     goes on when two more have come
    stray@3     what is no COP datagram goes ahead of it
    pause50@3   goes on 50 milliseconds later, and all behind it

Its stdin at its end, it says what each end was sent, and so what is to be known
there; by sets of all numbers, where the library has a window of 64. Where the
receiver answers each datagram, the times between which each has arrived are known,
and so between what jitter and gap lie.
"""
import re
import select
import socket
import struct
import sys
import time

HEADER = struct.Struct("!HBBHHII")
FIRST = 1
FAR = 32  # nothing is doubled that is so far behind: see the window


def now_us():
    return time.monotonic_ns() / 1000


class Script:
    def __init__(self, words):
        self.rules = []
        for word in words:
            name, amount, kind, numbers = re.fullmatch(
                r"([a-z]+)(\d*)([@%])([\d,]+)", word).groups()
            numbers = [int(n) for n in numbers.split(",")]
            self.rules.append((name, int(amount or 0), kind, numbers))

    def actions(self, n):
        for name, amount, kind, numbers in self.rules:
            if n in numbers if kind == "@" else n % numbers[0] == 0:
                yield name, amount


class Jitter:
    """RFC 3550, 6.4.1, for transits that are known to lie between two times."""

    def __init__(self):
        self.low = self.high = 0.0
        self.last = None

    def add(self, low, high):
        if self.last:
            was_low, was_high = self.last
            least = max(0, low - was_high, was_low - high)
            most = max(high - was_low, was_high - low)
            self.low += (least - self.low) / 16
            self.high += (most - self.high) / 16
        self.last = (low, high)


class Told:
    """What one end was sent by one peer."""

    def __init__(self):
        self.rx = self.rx_bytes = 0
        self.lives = []  # of each the numbers that came
        self.life = None
        self.reordered = self.duplicated = self.restarts = 0
        self.sent = []  # (when at the earliest, sender's stamp)
        self.until = []  # when at the latest

    def add(self, life, seq, stamp, length):
        self.sent.append((now_us(), stamp))
        self.rx += 1
        self.rx_bytes += length
        if life != self.life:
            self.restarts += self.life is not None
            self.life = life
            self.lives.append({seq})
        elif seq in self.lives[-1]:
            self.duplicated += 1
        else:
            self.reordered += seq < max(self.lives[-1])
            self.lives[-1].add(seq)

    def behind(self, seq):
        return max(self.lives[-1]) - seq if self.lives else 0

    def answered(self):
        if len(self.until) < len(self.sent):
            self.until.append(now_us())

    def bounds(self):
        if not self.sent or len(self.sent) != len(self.until):
            return ""
        jitter = Jitter()
        least = most = 0
        for i, (early, stamp) in enumerate(self.sent):
            late = self.until[i]
            away = (early - stamp + (1 << 31)) % (1 << 32) - (1 << 31)
            jitter.add(away, away + late - early)
            if i:
                least = max(least, early - self.until[i - 1])
                most = max(most, late - self.sent[i - 1][0])
        return (f" gap_us>={least - 3:.0f} gap_us<={most + 3:.0f}"
                f" jitter_us>={jitter.low - 4:.0f}"
                f" jitter_us<={jitter.high + 4:.0f}")

    def __str__(self):
        lost = sum(max(l) - min(l) + 1 - len(l) for l in self.lives)
        return (f"rx={self.rx} rx_bytes={self.rx_bytes} lost={lost}"
                f" reordered={self.reordered} duplicated={self.duplicated}"
                f" restarts={self.restarts}{self.bounds()}")


class Lives:
    """Which of a sender's starts a datagram is of, by all that it sends."""

    def __init__(self):
        self.life = 0
        self.begun = None

    def of(self, flags, stamp):
        if flags & FIRST and self.begun not in (None, stamp):
            self.life += 1
        if flags & FIRST:
            self.begun = stamp
        return self.life


class Sender:
    def __init__(self, address, script):
        self.address = address
        self.script = script
        self.back = udp()
        self.n = 0
        self.held = []  # [after how many more, datagram]
        self.lives, self.back_lives = Lives(), Lives()
        self.receiver, self.sender = Told(), Told()

    def forward(self, datagram):
        life, seq, stamp, data = datagram
        self.receiver.add(life, seq, stamp, len(data) - HEADER.size)
        self.back.sendto(data, receiver)

    def release(self):
        for entry in self.held:
            entry[0] -= 1
        due = [e for e in self.held if e[0] < 0]
        self.held = [e for e in self.held if e[0] >= 0]
        for _, datagram in due:
            self.forward(datagram)

    def comes(self, data):
        flags, seq, stamp = parse(data)
        datagram = (self.lives.of(flags, stamp), seq, stamp, data)
        self.n += 1
        goes = 1
        for action, amount in self.script.actions(self.n):
            if action == "drop":
                goes = 0
            elif action == "double" and self.receiver.behind(seq) < FAR:
                goes = 2
            elif action == "again":
                self.held.append([amount, datagram])
            elif action == "late":
                self.held.append([amount, datagram])
                goes = 0
            elif action == "stray":
                self.back.sendto(b"no COP datagram, but longer", receiver)
            elif action == "pause":
                until = now_us() + amount * 1000
                while now_us() < until:
                    time.sleep(max(0, until - now_us()) / 1e6)
        for _ in range(goes):
            self.forward(datagram)
        self.release()

    def comes_back(self, data):
        self.receiver.answered()
        flags, seq, stamp = parse(data)
        life = self.back_lives.of(flags, stamp)
        self.sender.add(life, seq, stamp, len(data) - HEADER.size)
        front.sendto(data, self.address)


def parse(data):
    _, _, flags, _, _, seq, stamp = HEADER.unpack_from(data)
    return flags, seq, stamp


def udp():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    return sock


def name(address):
    return "%s:%d" % address


def relay():
    senders = {}
    while True:
        backs = {s.back: s for s in senders.values()}
        ready = select.select([front, sys.stdin, *backs], [], [])[0]
        # An answer counts from when it is here: ahead of what comes next.
        for sock in ready:
            if sock in backs:
                backs[sock].comes_back(sock.recvfrom(65536)[0])
        if front in ready:
            data, address = front.recvfrom(65536)
            if address not in senders:
                senders[address] = Sender(address, script)
            senders[address].comes(data)
        elif ready == [sys.stdin]:
            return senders.values()


receiver = ("127.0.0.1", int(sys.argv[1]))
script = Script(sys.argv[2:])
front = udp()
print("port", front.getsockname()[1], flush=True)
for one in relay():
    print(f"receiver peer={name(one.back.getsockname())} {one.receiver}")
    if one.sender.rx:
        print(f"sender local={name(one.address)}"
              f" peer={name(front.getsockname())} {one.sender}")
