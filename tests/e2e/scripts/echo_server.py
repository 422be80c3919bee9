# SPDX-License-Identifier: MIT
"""echo_server.py PORT - answer two datagrams with themselves, then end"""
import socket
import sys

sock = socket.socket(socket.AF_INET, 7, 253)
sock.bind(("127.0.0.1", int(sys.argv[1])))
for _ in range(2):
    data, peer = sock.recvfrom(2048)
    sock.sendto(data, peer)
