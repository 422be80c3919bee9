# SPDX-License-Identifier: MIT
"""reader.py HOW [sandboxed|late] - print each datagram received, until an "end"

HOW is the name of a function below. With "sandboxed" no socket of the program
may have a filter, so that the kernel can't be asked to drop what is not COP.
With "late" it polls only when a line is on stdin.
"""
import ctypes
import os
import select
import socket
import struct
import sys

SIZE = 65536
SO_ATTACH_FILTER = 26
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
MSG_WAITFORONE = 0x10000
VECTOR = 8


def sandbox():
    """setsockopt(SO_ATTACH_FILTER) is answered with EPERM, by seccomp."""
    setsockopt = {"x86_64": 54, "aarch64": 208}[os.uname().machine]
    code = ctypes.create_string_buffer(b"".join(
        struct.pack("HBBI", *insn) for insn in (
            (0x20, 0, 0, 0),                 # A = the call's number
            (0x15, 0, 3, setsockopt),
            (0x20, 0, 0, 32),                # A = its third argument
            (0x15, 0, 1, SO_ATTACH_FILTER),
            (0x06, 0, 0, 0x00050001),        # SECCOMP_RET_ERRNO | EPERM
            (0x06, 0, 0, 0x7fff0000))))      # SECCOMP_RET_ALLOW
    prog = struct.pack("HxxxxxxP", 6, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or \
       libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, prog):
        raise OSError(ctypes.get_errno(), "seccomp")


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
if "sandboxed" in sys.argv[2:]:
    sandbox()  # a socket that is there already gets a filter first
sock = socket.socket(socket.AF_INET, 7, 253)
sock.bind(("127.0.0.1", 0))
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
