# SPDX-License-Identifier: MIT
"""Exercise 2: a socket through net_families and inetsw"""
import socket

import lab
from lab import check, expect, expect_error

SO_PROTOCOL = 38
OTHER_PROTOCOL = 77  # that no module has


def expect_protocol(one):
    """The kernel's socket says UDP; the transport's must say its own."""
    got = one.getsockopt(socket.SOL_SOCKET, SO_PROTOCOL)
    expect(got == lab.conf.protocol, "SO_PROTOCOL is %d and not %d", got,
           lab.conf.protocol)


@check("2.1", "socket(AF_INET, TYPE, PROTOCOL) makes a socket", """
    .type and .protocol of your struct inet_protosw are those of the file's name, and
    your init operation returns 0: end it with return datagram_prot()->init(sk).
    """)
def created():
    with lab.sock() as one:
        expect_protocol(one)


@check("2.2", "protocol 0 means the first transport of the type", """
    libcop looks for net-pf-2-proto-0-type-TYPE.so then: a symbolic link. inetsw does
    the rest, with the wildcard rules of inet_create().
    """, needs="2.1")
def wildcard():
    with lab.sock(protocol=0) as one:
        expect_protocol(one)


@check("2.3", "AF_INET6 has the transport, too", """
    The file's name has 10 for AF_INET6: net-pf-10-proto-PROTOCOL-type-TYPE.so, a
    symbolic link. One struct inet_protosw serves both families.
    """, needs="2.1")
def six():
    if lab.error_of(socket.socket, socket.AF_INET6, socket.SOCK_DGRAM) != "no error":
        raise lab.Skip("this machine has no IPv6")
    with lab.sock(socket.AF_INET6) as one:
        expect_protocol(one)


@check("2.4", "another protocol of the type is EPROTONOSUPPORT", """
    .protocol = 0 in a struct inet_protosw takes every protocol: IPPROTO_IP is a
    wildcard there.
    """, needs="2.2")
def other_protocol():
    with lab.sock():
        expect_error("EPROTONOSUPPORT", "socket() for protocol %d" % OTHER_PROTOCOL,
                     lab.sock, socket.AF_INET, OTHER_PROTOCOL)


@check("2.5", "a UDP socket stays the kernel's", """
    Register your own type only, not SOCK_DGRAM.
    """, needs="2.1")
def udp_stays():
    with lab.sock():
        one, other = lab.udp(), lab.udp()
        one.sendto(b"plain", other.getsockname())
        got = other.recv(100)
        expect(got == b"plain", "a UDP datagram arrives as %s", got.hex(" "))


def resident():
    """Kilobytes of memory that this process has"""
    with open("/proc/self/status", encoding="ascii") as lines:
        return int([line for line in lines if line.startswith("VmRSS")][0].split()[1])


def open_and_close(count):
    """Sockets one after another"""
    for _ in range(count):
        lab.sock().close()


@check("2.6", "20,000 sockets leave no memory behind", """
    What init allocates, destroy frees, and it calls datagram_prot()->destroy(sk) as
    well. Better: a struct of your own with obj_size needs no allocation at all.
    """, needs="2.1")
def memory():
    open_and_close(2000)
    before = resident()
    open_and_close(20000)
    grown = resident() - before
    expect(grown < 800, "the process is %d kB larger, %d bytes for each socket", grown,
           grown * 1024 // 20000)


if __name__ == "__main__":
    lab.main()
