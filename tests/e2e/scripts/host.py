# SPDX-License-Identifier: MIT
"""host.py KIND WHAT [ARGUMENT...] - what one host does in the tests of two

KIND is udp or cop. WHAT is the name of a function below.
"""
import errno
import select
import socket
import sys

TYPE = {"udp": (socket.SOCK_DGRAM, 0), "cop": (7, 253)}[sys.argv[1]]


def make():
    sock = socket.socket(socket.AF_INET, *TYPE)
    sock.settimeout(5)
    return sock


def serve(address):
    """Answer two datagrams"""
    sock = make()
    sock.bind((address, 0))
    print("port", sock.getsockname()[1], flush=True)
    for _ in range(2):
        data, peer = sock.recvfrom(2048)
        print("%s from %s" % (data.decode(), peer[0]), flush=True)
        sock.sendto(data.upper(), peer)
    sock.close()


def talk(address, port):
    """Exchange one datagram unconnected, another connected"""
    peer = (address, int(port))
    sock = make()
    sock.sendto(b"one", peer)
    data, source = sock.recvfrom(2048)
    print("%s from %s" % (data.decode(), source[0]), source == peer)
    sock.connect(peer)
    sock.send(b"two")
    data, source = sock.recvfrom(2048)
    print("%s from %s" % (data.decode(), source[0]), source == peer)
    sock.close()


def source(*addresses):
    for address in addresses:
        sock = make()
        sock.connect((address, 7))
        print(address, "from", sock.getsockname()[0])
        sock.close()


def attempt(what, call, *args):
    try:
        call(*args)
        print(what, "succeeds")
    except OSError as err:
        print(what, errno.errorcode[err.errno])


def reach(address, broadcast):
    """Try to get to an address in both ways"""
    sock = make()
    if broadcast == "broadcast":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    attempt("sendto", sock.sendto, b"x", (address, 7))
    attempt("connect", sock.connect, (address, 7))
    print(sock.getsockname()[0], sock.getsockname()[1] > 0)
    sock.close()


def refused(address, port):
    """A port that nobody has"""
    sock = make()
    sock.connect((address, int(port)))
    poller = select.poll()
    poller.register(sock, select.POLLIN)
    for call in (lambda: sock.recv(100), lambda: sock.send(b"again")):
        attempt("send", sock.send, b"x")
        print("poll", [event for _, event in poller.poll(5000)])
        attempt("then", call)
    sock.close()


globals()[sys.argv[2]](*sys.argv[3:])
