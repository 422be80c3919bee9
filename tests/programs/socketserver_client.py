# SPDX-License-Identifier: MIT
"""socketserver_client.py PORT - talk with socketserver_server.py"""
import socket
import sys

SERVER = ("127.0.0.1", int(sys.argv[1]))

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.settimeout(10)
    for text in b"one two three", b"alone", b"word " * 8000:
        sock.sendto(text, SERVER)
        answer, peer = sock.recvfrom(65535)
        assert peer == SERVER, peer
        assert answer.split() == sorted(text.split()), answer
        print(answer[:20])
