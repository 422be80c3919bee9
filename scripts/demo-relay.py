# SPDX-License-Identifier: MIT
"""demo-relay.py PORT SERVER - a UDP socket that stands between two programs.

It receives one datagram on PORT, sends it on to SERVER, and sends the answer
back, both at 127.0.0.1. It prints both datagrams: source port, destination
port, and the bytes in hex.
"""
import socket
import sys

port, server = (int(arg) for arg in sys.argv[1:])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.1", port))
sock.settimeout(10)

request, client = sock.recvfrom(65535)
print(client[1], port, request.hex())
sock.sendto(request, ("127.0.0.1", server))
reply, peer = sock.recvfrom(65535)
print(peer[1], port, reply.hex())
sock.sendto(reply, client)
