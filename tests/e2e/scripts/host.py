# SPDX-License-Identifier: MIT
"""host.py KIND FAMILY WHAT [ARGUMENT...] - what one host does in the tests of two

KIND is udp or cop, FAMILY inet or inet6. WHAT is the name of a function below.
"""
import errno
import select
import socket
import sys

TYPE = {"udp": (socket.SOCK_DGRAM, 0), "cop": (7, 253)}[sys.argv[1]]
FAMILY = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}[sys.argv[2]]


def make():
    sock = socket.socket(FAMILY, *TYPE)
    sock.settimeout(5)
    return sock


def serve(address, port="0"):
    """Answer two datagrams"""
    sock = make()
    sock.bind(name(address, port))
    print("port", sock.getsockname()[1], flush=True)
    for _ in range(2):
        data, peer = sock.recvfrom(2048)
        print("%s from %s" % (data.decode(), text(peer)), flush=True)
        sock.sendto(data.upper(), peer)
    sock.close()


def name(address, port):
    """As the socket module takes it, which loses the scope of a pair"""
    return socket.getaddrinfo(address, int(port), FAMILY)[0][4]


def text(address):
    if address[3:] and address[3]:
        return address[0] + "%" + socket.if_indextoname(address[3])
    return address[0]


def say_answer(sock, peer):
    data, source = sock.recvfrom(2048)
    print("%s from %s" % (data.decode(), text(source)), source == peer)


def talk(address, port):
    """Exchange one datagram unconnected, another connected"""
    peer = name(address, port)
    sock = make()
    sock.sendto(b"one", peer)
    say_answer(sock, peer)
    sock.connect(peer)
    sock.send(b"two")
    say_answer(sock, peer)
    sock.close()


def both(port, *addresses):
    """Two datagrams to each address, by one socket"""
    sock = make()
    for data in b"one", b"two":
        for address in addresses:
            sock.sendto(data, name(address, port))
            say_answer(sock, name(address, port))
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


globals()[sys.argv[3]](*sys.argv[4:])
