# SPDX-License-Identifier: MIT
"""socketserver_client.py ADDRESS PORT - talk with socketserver_server.py"""
import socket
import sys

SERVER = (sys.argv[1], int(sys.argv[2]))
FAMILY = socket.AF_INET6 if ":" in SERVER[0] else socket.AF_INET

with socket.socket(FAMILY, socket.SOCK_DGRAM) as sock:
    sock.settimeout(10)
    for text in b"one two three", b"alone", b"word " * 8000:
        sock.sendto(text, SERVER)
        answer, peer = sock.recvfrom(65535)
        assert peer[:2] == SERVER, peer
        assert answer.split() == sorted(text.split()), answer
        print(answer[:20])
