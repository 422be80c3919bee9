# SPDX-License-Identifier: MIT
"""socketserver_server.py KIND ADDRESS PORT - answer each datagram with its words sorted

KIND is plain, threading or forking.
"""
import socket
import socketserver
import sys

SERVERS = {
    "plain": socketserver.UDPServer,
    "threading": socketserver.ThreadingUDPServer,
    "forking": socketserver.ForkingUDPServer,
}


class Sorting(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        sock.sendto(b" ".join(sorted(data.split())), self.client_address)


class Server(SERVERS[sys.argv[1]]):
    allow_reuse_address = True
    max_packet_size = 65507
    address_family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET


with Server((sys.argv[2], int(sys.argv[3])), Sorting) as server:
    server.serve_forever()
