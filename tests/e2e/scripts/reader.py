# SPDX-License-Identifier: MIT
"""reader.py HOW [filtered|late] - print each datagram received, until an "end"

HOW is the name of a function below. With "filtered" the program has a socket
filter of its own, which lets everything pass, so that the kernel can't be asked
to drop what is not COP. With "late" it polls only when a line is on stdin.
"""
import ctypes
import os
import select
import socket
import struct
import sys

SIZE = 65536
SO_ATTACH_FILTER = 26
MSG_WAITFORONE = 0x10000
VECTOR = 8

sock = socket.socket(socket.AF_INET, 7, 253)


def attach_filter():
    accept = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, SIZE))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                    struct.pack("HxxxxxxP", 1, ctypes.addressof(accept)))


def recv():
    return [sock.recv(SIZE)]


def recvfrom():
    return [sock.recvfrom(SIZE)[0]]


def recvmsg():
    return [sock.recvmsg(SIZE)[0]]


def read():
    return [os.read(sock.fileno(), SIZE)]


def peek():
    seen, taken = (sock.recv(SIZE, flag) for flag in (socket.MSG_PEEK, 0))
    return [taken] if seen == taken else [seen, taken, b"differ"]


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class Msghdr(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint),
                ("iov", ctypes.POINTER(Iovec)), ("iovlen", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t),
                ("flags", ctypes.c_int)]


class Mmsghdr(ctypes.Structure):
    _fields_ = [("hdr", Msghdr), ("len", ctypes.c_uint)]


def make_vector():
    vector = (Mmsghdr * VECTOR)()
    for mmsg, buf in zip(vector, buffers):
        iov = Iovec(ctypes.addressof(buf), SIZE)
        mmsg.hdr.iov = ctypes.pointer(iov)
        mmsg.hdr.iovlen = 1
    return vector


buffers = [ctypes.create_string_buffer(SIZE) for _ in range(VECTOR)]
libc = ctypes.CDLL(None, use_errno=True)


def recvmmsg():
    vector = make_vector()
    n = libc.recvmmsg(sock.fileno(), vector, VECTOR, MSG_WAITFORONE, None)
    if n < 0:
        raise OSError(ctypes.get_errno(), "recvmmsg")
    return [buf.raw[:mmsg.len] for mmsg, buf in zip(vector[:n], buffers)]


def drain():
    """What there is, which is never nothing after a wake-up"""
    got = []
    try:
        while True:
            got.append(sock.recv(SIZE, socket.MSG_DONTWAIT))
    except BlockingIOError:
        return got or [b"woken for nothing"]


def poll():
    poller.poll()
    return drain()


epoll_level = epoll_edge = poll


def make_poller():
    if how == "poll":
        poller = select.poll()
        poller.register(sock, select.POLLIN)
    else:
        poller = select.epoll()
        edge = select.EPOLLET if how == "epoll_edge" else 0
        poller.register(sock, select.EPOLLIN | edge)
    return poller


how = sys.argv[1]
sock.bind(("127.0.0.1", 0))
if "filtered" in sys.argv[2:]:
    attach_filter()
print("port %d\n" % sock.getsockname()[1], end="", flush=True)
if "late" in sys.argv[2:]:
    sys.stdin.readline()
poller = make_poller() if "poll" in how else None
data = b""
while data != b"end":
    for data in globals()[how]():
        text = data.decode("ascii", "backslashreplace")
        print(text + "\n", end="", flush=True)
sock.close()
