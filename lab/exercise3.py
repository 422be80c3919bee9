# SPDX-License-Identifier: MIT
"""Exercise 3: bind and get_port"""
import socket

import lab
from lab import QUEUES, check, expect, expect_error

LOW, HIGH = 40000, 40255  # two ports for each queue


@check("3.1", "bind() gives the port that the program names", """
    get_port(sk, snum) returns snum, in host order, after inet_claim_port(snum).
    """, needs="2.1")
def named():
    for address in lab.LOCALHOST, "":
        port = lab.free_port()
        with lab.bound(address, port) as one:
            expect(lab.port_of(one) == port, "getsockname() says port %d and not %d",
                   lab.port_of(one), port)


@check("3.2", "a port that a socket has is EADDRINUSE for another one", """
    EADDRINUSE is missing: get_port returns -EADDRINUSE where inet_claim_port() says
    false. Its sign is negative; 1, as the kernel's get_port once returned, is a port.
    """, needs="3.1")
def taken():
    first = lab.bound(port=lab.free_port())
    expect_error("EADDRINUSE", "a second bind() to the port", lab.bound,
                 lab.LOCALHOST, lab.port_of(first))
    first.sendto(b"still there", first.getsockname())
    expect(first.recv(100) == b"still there", "the first socket lost its port")


@check("3.3", "... also at another address, and with SO_REUSEADDR", """
    shares_ports lets sockets share a port as UDP's do. This lab's rule is COP's: a port
    is one socket's alone.
    """, needs="3.2")
def taken_elsewhere():
    first, second = lab.sock(), lab.sock()
    for one in first, second:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    first.bind((lab.LOCALHOST, lab.free_port()))
    for address in lab.LOCALHOST, "127.0.0.2", "":
        expect_error("EADDRINUSE", "bind() to the port at '%s'" % address,
                     second.bind, (address, lab.port_of(first)))


@check("3.4", "the port of a closed socket is free again", """
    The port leaked. unhash gives it back: call datagram_prot()->unhash(sk) in yours.
    """, needs="3.1")
def free_again():
    port = lab.free_port()
    for turn in range(3):
        try:
            lab.bound(port=port).close()
        except OSError as error:
            raise lab.Wrong("bind() number %d to port %d: %s" % (
                turn + 1, port, error.strerror)) from None


@check("3.5", "port 0 gives a port of net.ipv4.ip_local_port_range", """
    inet_next_port() returns only such ports, and 0 behind the last one of a queue. A
    loop over it must end there.
    """, needs="2.1")
def ephemeral():
    low, high = lab.port_range()
    for _ in range(20):
        with lab.bound() as one:
            expect(low <= lab.port_of(one) <= high, "port %d is not in %d to %d",
                   lab.port_of(one), low, high)


def in_queues(sockets):
    """How many of the sockets' ports each queue has"""
    lengths = [0] * QUEUES
    for one in sockets:
        lengths[lab.port_of(one) % QUEUES] += 1
    return lengths


def expect_even(sockets, length):
    """Each queue has so many ports."""
    lengths = in_queues(sockets)
    for queue, has in enumerate(lengths):
        expect(has == length, "after %d binds queue %d has %d ports and not %d",
               len(sockets), queue, has, length)


@check("3.6", "256 sockets with port 0 use the 128 queues evenly", """
    Wrong queue. Port p is in queue p % 128. Look at inet_queue_length() of all 128 and
    take the shortest. The library counts claims; count nothing yourself.
    """, needs="3.5")
def even():
    sockets = [lab.bound() for _ in range(QUEUES)]
    expect_even(sockets, 1)
    sockets += [lab.bound() for _ in range(QUEUES)]
    expect_even(sockets, 2)


@check("3.7", "a queue that got shorter is filled first", """
    Wrong queue. A closed socket makes its queue shorter: look for the shortest one
    again in each get_port.
    """, needs="3.6 3.4")
def refilled():
    sockets = [lab.bound() for _ in range(QUEUES)]
    for one in sockets[10:20]:
        one.close()
    sockets[10:20] = [lab.bound() for _ in range(10)]
    expect_even(sockets, 1)


def binds(port):
    """Whether a socket of the transport gets the port"""
    with lab.sock() as one:
        return lab.error_of(one.bind, ("", port)) == "no error"


def udp_binds(port):
    """Whether a UDP socket gets the port"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        return lab.error_of(one.bind, ("", port)) == "no error"


def expect_no_leak(why):
    """Each port of the range can be had, unless another process has it, or just gave
    it back."""
    low, high = lab.port_range()
    for port in range(low, high + 1):
        expect(binds(port) or not udp_binds(port) or binds(port),
               "no socket is open, but port %d is still held after %s", port, why)


@check("3.8", "get_port leaks no port", """
    A port leaked: get_port claimed more than the one port that it returned. Give such
    a port back with inet_release_port().
    """, needs="3.4 3.5")
def no_leak():
    for _ in range(2 * QUEUES):
        lab.bound().close()
    expect_no_leak("%d times bind() to port 0 and close()" % (2 * QUEUES))


@check("3.9", "a rover: a port is not given again right away", """
    The lowest free port is the one that was just closed, and its late datagrams reach
    the new socket. Start behind the last port, or at random: get_random_u32().
    """, needs="3.5 3.4")
def rover():
    ports = []
    for _ in range(8):
        with lab.bound() as one:
            ports.append(lab.port_of(one))
    expect(len(set(ports)) > 4, "bind() and close(), eight times, give these ports: %s",
           " ".join(map(str, ports)))


@check("3.10", "of a range of 256 ports all can be had, and then EADDRINUSE", """
    If the shortest queue has no free port, try the others, or return 0: then the kernel
    chooses. Return -EADDRINUSE only if you know that no port is free.
    """, needs="3.6 3.8 1.4")
def small_range():
    network = ("unshare", "-rn")
    if lab.plain(*network, "true").returncode:
        raise lab.Skip("no network namespace may be made here")
    text = lab.python("""
bound = []
try:
    for i in range(300):
        bound.append(socket.socket(socket.AF_INET, TYPE, PROTOCOL))
        bound[-1].bind(("", 0))
except OSError as error:
    print(error.errno, len(bound) - 1, len({one.getsockname() for one in bound[:-1]}))
""", before=network + ("sh", "-c", "echo %d %d >/proc/sys/net/ipv4/ip_local_port_range"
                       " && exec \"$@\"" % (LOW, HIGH), "sh"))
    count = HIGH - LOW + 1
    expect(text.split()[-3:] == ["98", str(count), str(count)],
           "errno, sockets with a port, and ports are %s, and not 98 %d %d",
           text.strip(), count, count)


@check("3.11", "a port that bind() names counts in its queue, too", """
    get_port(sk, snum) must claim the port with inet_claim_port(snum) before it returns
    it. If it does not, EADDRINUSE comes from the kernel at best, and the queues' lengths
    are wrong.
    """, needs="3.6 3.7")
def named_counts():
    low, high = lab.port_range()
    port = next(port for port in range(low, high)
                if port % QUEUES == 5 and udp_binds(port))
    sockets = [lab.bound(port=port)] + [lab.bound() for _ in range(QUEUES - 1)]
    expect_even(sockets, 1)


if __name__ == "__main__":
    lab.main()
