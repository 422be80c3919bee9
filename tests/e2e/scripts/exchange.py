# SPDX-License-Identifier: MIT
"""exchange.py [WHAT] - one datagram there, one back, then both sockets closed

With WHAT "stray", a UDP datagram that is not COP comes before the first.
"""
import socket
import sys

LOCAL = "127.0.0.1"


def make(kind=7, protocol=253):
    sock = socket.socket(socket.AF_INET, kind, protocol)
    sock.bind((LOCAL, 0))
    return sock, sock.getsockname()


near, near_name = make()
far, far_name = make()
if "stray" in sys.argv[1:]:
    make(socket.SOCK_DGRAM, 0)[0].sendto(b"not a COP datagram", far_name)
near.sendto(b"hello", far_name)
print(far.recvfrom(100)[0].decode())
far.sendto(b"hello, too", near_name)
print(near.recv(100).decode())
print(near_name[1], far_name[1])
near.close()
far.close()
