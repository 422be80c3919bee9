#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""relay.py - a network that loses, between programs that talk over UDP.

It receives datagrams at one address and sends them on to a server, and sends the
server's answers back. On the way it loses, delays, reorders and duplicates as many
of them as the options say. COP and every other transport of libcop travel in UDP, so
it stands between their programs as well. It needs no privileges.

Each client gets a port of its own towards the server. What happens to the n-th
datagram of a client depends on the seed, on n and on the number of the client alone:
the same seed loses the same datagrams again.

At SIGINT or SIGTERM, and at --limit and --idle, it prints for each client and
direction how many datagrams came and what became of them.
"""
import argparse
import collections
import heapq
import ipaddress
import random
import select
import signal
import socket
import sys
import time

CLIENTS_MAX = 64  # the oldest one goes, so that forged sources cost no memory
HELD_MAX = 4096  # datagrams that wait; a real queue is bounded as well
REORDER_WAIT = 0.1  # seconds that a datagram waits for one that overtakes it


class Fate:
    """Decides what becomes of the datagrams of one client in one direction."""

    def __init__(self, options, number, direction):
        self.options = options
        self.random = random.Random("%d %d %s" % (options.seed, number, direction))

    def next(self):
        """Draws four numbers for each datagram, so that one option does not change
        which datagrams another one chooses."""
        lost, twice, late, jitter = (self.random.random() for _ in range(4))
        delay = self.options.delay + jitter * self.options.jitter
        return (lost * 100 < self.options.loss,
                twice * 100 < self.options.duplicate,
                late * 100 < self.options.reorder, delay / 1000)


class Way:
    """One direction of one client: what it owes to the other end, and counts."""

    def __init__(self, name, fate, send):
        self.name = name
        self.fate = fate  # None: the relay passes each datagram on at once
        self.send = send
        self.due = 0.0  # when the last one goes on: delays do not reorder
        self.held = None  # a datagram that the next one overtakes
        self.number = 0  # of the next one
        self.fates = {"came": 0, "lost": 0, "duplicated": 0, "reordered": 0}

    def comes(self, data, now):
        """Returns the datagrams that go on because of it, each with its time."""
        self.fates["came"] += 1
        if not self.fate:
            return [(now, data)]
        lost, twice, late, delay = self.fate.next()
        if lost:
            self.fates["lost"] += 1
            return []
        self.due = max(self.due, now + delay)
        if late and self.held is None:
            self.number += 1
            self.held = (self.due, data)
            return []
        self.fates["duplicated"] += twice
        going = [(self.due, data)] * (2 if twice else 1)
        if self.held is not None:
            self.fates["reordered"] += 1
            going.append((self.due, self.held[1]))
            self.held = None
        return going

    def alone(self, number):
        """Returns the datagram that still waits for another one, if it is that."""
        if self.held is None or number != self.number:
            return []
        held, self.held = self.held, None
        return [held]

    def __str__(self):
        return self.name + "".join(" %s=%d" % pair for pair in self.fates.items())


class Client:
    """A sender, and the socket that stands for it towards the server."""

    def __init__(self, relay, address, number):
        options = relay.options
        self.address = address
        self.socket = socket.socket(relay.family, socket.SOCK_DGRAM)
        self.socket.connect(options.server)
        there = Fate(options, number, "there")
        back = Fate(options, number, "back") if options.both else None
        self.there = Way("client %d to server:" % number, there, self.to_server)
        self.back = Way("server to client %d:" % number, back,
                        lambda data: relay.front.sendto(data, address))

    def to_server(self, data):
        """The server may not be there yet: that is a datagram lost on its way."""
        try:
            self.socket.send(data)
        except ConnectionRefusedError:
            pass


class Relay:
    """All clients, and the datagrams that are on their way."""

    def __init__(self, options):
        self.options = options
        self.family = socket.AF_INET6 if ":" in options.server[0] else socket.AF_INET
        self.front = socket.socket(self.family, socket.SOCK_DGRAM)
        self.front.bind(options.listen)
        self.clients = {}
        self.closed = collections.deque(maxlen=2 * CLIENTS_MAX)  # their figures
        self.numbers = 0  # how many clients there were
        self.queue = []  # heap: time, order, way, datagram or number of a held one
        self.order = 0
        self.passed = 0

    def push(self, when, way, what):
        """Lets a datagram go on at a time, or looks then whether one still waits."""
        if len(self.queue) >= HELD_MAX:
            way.fates["lost"] += isinstance(what, bytes)
            return
        self.order += 1
        heapq.heappush(self.queue, (when, self.order, way, what))

    def comes(self, way, data, ports):
        """A datagram has come."""
        if self.options.show:
            print(*ports, data.hex(), flush=True)
        for when, going in way.comes(data, time.monotonic()):
            self.push(when, way, going)
        if way.held is not None:
            self.push(way.held[0] + REORDER_WAIT, way, way.number)
        self.passed += 1

    def client(self, address):
        """The client of an address."""
        if address not in self.clients:
            if len(self.clients) == CLIENTS_MAX:
                self.close(next(iter(self.clients)))
            self.numbers += 1
            self.clients[address] = Client(self, address, self.numbers)
        return self.clients[address]

    def close(self, address):
        """Forgets a client. Its figures stay."""
        client = self.clients.pop(address)
        client.socket.close()
        self.closed += [str(client.there), str(client.back)]

    def flush(self):
        """Sends what is due. Returns the seconds until the next one is, or None."""
        while self.queue:
            when, _, way, what = self.queue[0]
            wait = when - time.monotonic()
            if wait > 0:
                return wait
            heapq.heappop(self.queue)
            try:
                for data in ([what] if isinstance(what, bytes) else
                             [held for _, held in way.alone(what)]):
                    way.send(data)
            except OSError:  # the network refuses it, or the client is gone
                pass
        return None

    def receive(self, ready):
        """Takes one datagram from each socket that has one."""
        if self.front in ready:
            data, address = self.front.recvfrom(65535)
            self.comes(self.client(address).there, data,
                       (address[1], self.options.listen[1]))
        for client in list(self.clients.values()):
            if client.socket not in ready:
                continue
            try:
                data = client.socket.recv(65535)
            except OSError:  # the server's port is closed
                continue
            self.comes(client.back, data, (self.options.server[1],
                                           client.socket.getsockname()[1]))

    def done(self):
        """Whether --limit is reached, and all datagrams have gone on."""
        return self.options.limit and self.passed >= self.options.limit and \
            not self.queue

    def run(self):
        """Relays until the end."""
        while not self.done():
            wait = self.flush()
            sockets = [self.front] + [c.socket for c in self.clients.values()]
            if self.done():
                break
            ready = select.select(sockets, [], [],
                                  self.options.idle if wait is None else wait)[0]
            if not ready and wait is None:
                break
            self.receive(ready)

    def report(self):
        """Prints the figures."""
        for address in list(self.clients):
            self.close(address)
        print(*self.closed, sep="\n", flush=True)


def address_of(text):
    """[ADDRESS:]PORT"""
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    try:
        return str(ipaddress.ip_address(host)), int(port)
    except ValueError:
        raise argparse.ArgumentTypeError("%s is not [ADDRESS:]PORT" % text) from None


def percent(text):
    """A number from 0 to 100"""
    value = float(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError("%s is not from 0 to 100" % text)
    return value


def milliseconds(text):
    """A time, at most a minute"""
    value = float(text)
    if not 0 <= value <= 60000:
        raise argparse.ArgumentTypeError("%s is not from 0 to 60000" % text)
    return value


def options_of(args):
    """The command line"""
    parser = argparse.ArgumentParser(
        description="Stands between a client and a server that talk over UDP (or COP, "
        "or a transport of your own), and loses some of their datagrams.")
    add = parser.add_argument
    add("listen", metavar="[ADDRESS:]PORT", type=address_of,
        help="where clients send to; without an address: 127.0.0.1")
    add("server", metavar="[ADDRESS:]SERVER", type=address_of,
        help="the address and port of the server")
    add("--loss", type=percent, default=0, metavar="PERCENT", help="datagrams to lose")
    add("--duplicate", type=percent, default=0, metavar="PERCENT",
        help="datagrams to send twice")
    add("--reorder", type=percent, default=0, metavar="PERCENT",
        help="datagrams that the next one overtakes")
    add("--delay", type=milliseconds, default=0, metavar="MS", help="delay of each")
    add("--jitter", type=milliseconds, default=0, metavar="MS",
        help="up to so much more delay; the order stays")
    add("--seed", type=int, default=1, metavar="N",
        help="the same seed chooses the same datagrams (default: 1)")
    add("--both", action="store_true",
        help="treat answers in the same way; without it they all arrive")
    add("--show", action="store_true",
        help="print each datagram: source port, destination port, bytes in hex")
    add("--limit", type=int, default=0, metavar="N", help="end after N datagrams")
    add("--idle", type=float, default=None, metavar="SECONDS",
        help="end when nothing has come for so long")
    return parser.parse_args(args)


def main():
    """As the first lines say."""
    options = options_of(sys.argv[1:])

    def end(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        relay = Relay(options)
    except OSError as error:
        sys.exit("relay.py: %s: %s" % (options.listen, error.strerror))
    try:
        relay.run()
    except KeyboardInterrupt:
        pass
    if not options.show:
        relay.report()


if __name__ == "__main__":
    main()
