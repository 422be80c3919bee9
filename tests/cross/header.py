#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# header.py PORT - by a plain UDP socket send two COP datagrams, built here, to a
# "talk answer", and check each byte of the answers' headers whose value is known.
import socket
import struct
import sys

there = int(sys.argv[1])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 0))
s.settimeout(60)
here = s.getsockname()[1]
seen = []
for n in (0, 1):
    header = struct.pack('!HBBHHII', 0xC0B1, 0x14, n == 0, here, there, 7 + n, 1000 * n)
    s.sendto(header + b'stressed', ('127.0.0.1', there))
    got = s.recv(2048)
    magic, version, flags, source, dest, seq, stamp = struct.unpack('!HBBHHII', got[:16])
    assert got[16:] == b'desserts', got
    assert (magic, version) == (0xC0B1, 0x14), got[:16].hex()
    assert (source, dest) == (there, here), (source, dest, there, here)
    seen.append((flags, seq, stamp))
(first, seq0, stamp0), (second, seq1, stamp1) = seen
assert (first & 1, second & 1) == (1, 0), seen
assert (seq1 - seq0) & 0xffffffff == 1, seen
assert 0 < (stamp1 - stamp0) & 0xffffffff < 60_000_000, seen
