# SPDX-License-Identifier: MIT
"""exchange.py [WHAT] - one datagram there, one back, then both sockets closed

With WHAT "stray", a UDP datagram that is not COP comes before the first. With
"unbound" the first sender gets its port by sending.
"""
import socket
import sys

LOCAL = "127.0.0.1"


def make(kind=7, protocol=253):
    return socket.socket(socket.AF_INET, kind, protocol)


what = sys.argv[1] if len(sys.argv) > 1 else ""
far = make()
far.bind((LOCAL, 0))
far_name = far.getsockname()
near = make()
if what != "unbound":
    near.bind((LOCAL, 0))
if what == "stray":
    make(socket.SOCK_DGRAM, 0).sendto(b"not a COP datagram", far_name)
near.sendto(b"hello", far_name)
data, near_name = far.recvfrom(100)
print(data.decode())
far.sendto(b"hello, too", near_name)
print(near.recv(100).decode())
print(near_name[1], far_name[1])
near.close()
far.close()
