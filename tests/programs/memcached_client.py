# SPDX-License-Identifier: MIT
"""memcached_client.py ADDRESS PORT - talk memcached's protocol over UDP

Each datagram begins with a request's number, its own number, how many datagrams
there are to the answer, and a zero, 16 bits each. A request is one datagram.
"""
import socket
import struct
import sys

HEADER = struct.Struct("!HHHH")


class Memcached:
    def __init__(self, address, port):
        self.sock = socket.socket(
            socket.AF_INET6 if ":" in address else socket.AF_INET,
            socket.SOCK_DGRAM)
        self.sock.settimeout(10)
        self.sock.connect((address, port))
        self.request = 0

    def ask(self, text):
        """The answer, put together, and how many datagrams brought it"""
        self.request += 1
        self.sock.send(HEADER.pack(self.request, 0, 1, 0) + text)
        parts = {}
        total = 1
        while len(parts) < total:
            datagram = self.sock.recv(65535)
            request, number, total, zero = HEADER.unpack_from(datagram)
            assert (request, zero) == (self.request, 0)
            assert number < total and number not in parts
            parts[number] = datagram[HEADER.size:]
        return b"".join(parts[number] for number in range(total)), total


def put(memcached, key, value):
    answer, _ = memcached.ask(b"set %s 0 0 %d\r\n%s\r\n"
                              % (key, len(value), value))
    assert answer == b"STORED\r\n", answer


def get(memcached, key, value):
    answer, datagrams = memcached.ask(b"get " + key + b"\r\n")
    assert answer == (b"VALUE %s 0 %d\r\n%s\r\nEND\r\n"
                      % (key, len(value), value)), answer
    return datagrams


short, long = b"a value", bytes(range(97, 123)) * 1000
memcached = Memcached(sys.argv[1], int(sys.argv[2]))
put(memcached, b"short", short)
assert memcached.ask(b"get none\r\n") == (b"END\r\n", 1)
print("short in", get(memcached, b"short", short))
memcached.ask(b"append short 0 0 5\r\nmore.\r\n")
print("appended in", get(memcached, b"short", short + b"more."))
# Longer than a request may be, so it is made of several.
piece = long[:1300]
put(memcached, b"long", piece)
for at in range(len(piece), len(long), len(piece)):
    memcached.ask(b"append long 0 0 1300\r\n" + long[at:at + 1300] + b"\r\n")
print("long in", get(memcached, b"long", long))
