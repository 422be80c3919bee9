# SPDX-License-Identifier: MIT
"""echo_client.py PORT - send each line of stdin, print what comes back"""
import socket
import sys

sock = socket.socket(socket.AF_INET, 7, 253)
for line in sys.stdin:
    sock.sendto(line.encode(), ("127.0.0.1", int(sys.argv[1])))
    data, peer = sock.recvfrom(2048)
    print(data.decode(), end="", flush=True)
