# SPDX-License-Identifier: MIT
"""Exercise 5: send, receive and close with performance data"""
import re
import socket
import time

import lab
from lab import check, expect


def expect_field(what, at, size, got, should):
    """A number of the header must be right; says so if the bytes are turned round."""
    turned = int.from_bytes(should.to_bytes(size, "little"), "big")
    expect(got == should, "%s, %d bytes at %d, is %#x on the wire and not %#x%s", what,
           size, at, got, should,
           ": the header is in the wrong byte order" if got == turned else "")


@check("5.1", "a datagram on the wire has the header's length and the payload", """
    hlen of your struct cop_wire is sizeof(your struct). A struct with fields of 1, 2
    and 4 bytes may have gaps: look at it with pahole, or add __attribute__((packed)).
    """, needs="3.5")
def length():
    datagram, = lab.on_the_wire()[0]
    got = len(datagram) - len(b"payload")
    expect(got == lab.conf.header, "the header has %d bytes, lab.conf says %d", got,
           lab.conf.header)
    expect(datagram.endswith(b"payload"), "the payload is %s", datagram[-7:])


@check("5.2", "it begins with the magic number, in network order", """
    The wrong byte order? build writes htons(MAGIC). check compares with htons(MAGIC).
    match is in host order: there it is MAGIC.
    """, needs="5.1")
def magic():
    at, value = lab.conf.magic or [0, None]
    if value is None:
        raise lab.Skip("lab.conf names no magic number")
    size = lab.conf.magic_size()
    expect_field("the magic number", at, size,
                 lab.field(lab.on_the_wire()[0][0], at, size), value)


@check("5.3", "the header has both ports, in network order", """
    build gets source and dest as __be16, in network order already: htons() would turn
    them round.
    """, needs="5.1")
def ports():
    (datagram,), source, dest = lab.on_the_wire()
    for what, place, port in (("the source port", lab.conf.source, source),
                              ("the destination port", lab.conf.dest, dest)):
        if place:
            expect_field(what, place[0], 2, lab.field(datagram, place[0], 2), port)


@check("5.4", "the sequence number counts each flow's datagrams from 0", """
    build gets seq in host order, the number of datagrams of this flow before this one.
    htons() or htonl() makes the wire's order of it. Do not count in a static variable:
    each flow has numbers of its own.
    """, needs="5.1")
def sequence():
    if not lab.conf.seq:
        raise lab.Skip("lab.conf names no sequence number")
    at, size = lab.conf.seq
    sender, receivers = lab.bound(), [lab.udp(), lab.udp()]
    for number in range(300):
        for receiver in receivers:
            sender.sendto(b"", receiver.getsockname())
            expect_field("the sequence number", at, size,
                         lab.field(receiver.recv(100), at, size),
                         number % 256 ** size)


@check("5.5", "the timestamp is in microseconds", """
    build gets tstamp in microseconds, host order: htonl(tstamp).
    """, needs="5.1")
def timestamp():
    if not lab.conf.tstamp:
        raise lab.Skip("lab.conf names no timestamp")
    at, = lab.conf.tstamp
    sender, receiver = lab.bound(), lab.udp()
    stamps = []
    for _ in range(2):
        sender.sendto(b"", receiver.getsockname())
        stamps.append(lab.field(receiver.recv(100), at, 4))
        time.sleep(0.05)
    passed = (stamps[1] - stamps[0]) % 2 ** 32
    expect(50000 <= passed < 5000000, "after 50 ms it is %d higher", passed)


@check("5.6", "payloads of 0 to 60,000 bytes arrive as they were sent", """
    check fills in len of its struct cop_hdr_info: the payload begins there. check gets
    hlen bytes of the datagram at most; len says how long all of it is.
    """, needs="5.1")
def payloads():
    one, other = lab.bound(), lab.bound()
    for size in 0, 1, 7, 64, 1400, 2048, 2049, 60000:
        payload = bytes(i % 251 for i in range(size))
        one.sendto(payload, other.getsockname())
        try:
            got, peer = other.recvfrom(65536)
        except TimeoutError:
            raise lab.Wrong("of %d bytes nothing arrives: check or match takes the "
                            "datagram for a stray" % size) from None
        expect(got == payload, "%d bytes are sent, %d arrive, or others", size, len(got))
        expect(peer == one.getsockname(), "the sender seems to be %s", peer)


@check("5.7", "MSG_PEEK leaves the datagram, MSG_TRUNC tells the payload's length", """
    Leave both to datagram_prot()->recvfrom() and its sisters: they subtract the header.
    """, needs="5.6")
def flags():
    one = lab.bound()
    one.sendto(b"0123456789", one.getsockname())
    expect(one.recv(4, socket.MSG_PEEK) == b"0123", "MSG_PEEK shows other bytes")
    buffer = bytearray(4)
    got = one.recv_into(buffer, 4, socket.MSG_TRUNC)
    expect((got, bytes(buffer)) == (10, b"0123"), "MSG_TRUNC: %d, %s", got,
           bytes(buffer))


def changed(datagram, at, bits):
    """A datagram with some bits of one byte turned"""
    return datagram[:at] + bytes([datagram[at] ^ bits]) + datagram[at + 1:]


def strays():
    """Datagrams that are not the transport's"""
    datagram, = lab.on_the_wire()[0]
    yield "an empty datagram", b""
    yield "a header without its last byte", datagram[:lab.conf.header - 1]
    if lab.conf.magic:
        for i in range(lab.conf.magic_size()):
            yield "another magic number", changed(datagram, lab.conf.magic[0] + i, 0xff)
            yield "a magic number with one bit wrong", changed(
                datagram, lab.conf.magic[0] + i, 1)


@check("5.8", "a datagram without a valid header does not reach the program", """
    check returns COP_STRAY_SHORT for less than hlen bytes, COP_STRAY_MAGIC for another
    magic number: all bits of it count.
    """, needs="5.6 5.2")
def no_strays():
    plain = lab.udp()
    for what, stray in strays():
        one = lab.bound()
        plain.sendto(stray, one.getsockname())
        one.sendto(b"valid", one.getsockname())
        got = one.recv(100)
        expect(got == b"valid", "%s reaches the program: %s", what, got)


@check("5.9", "poll() wakes only for what a receive then gives", """
    check and match must call the same datagrams strays: the kernel drops by match and
    wakes the program for the rest. What check refuses beyond it wakes poll() for
    nothing.
    """, needs="5.8")
def poll():
    datagrams = lab.on_the_wire(40)[0]
    plain, one = lab.udp(), lab.bound()
    lab.readable(one)  # the filter is set now
    tries = [stray for _, stray in strays()] + datagrams + [
        changed(datagrams[0], at, bits) for at in range(lab.conf.header)
        for bits in (1, 0x80, 0xff)]
    for datagram in tries:
        plain.sendto(datagram, one.getsockname())
        one.setblocking(False)
        if lab.readable(one, 5):
            error = lab.error_of(one.recv, 100)
            expect(error == "no error", "poll() wakes for a datagram with the header %s,"
                   " but a receive gives %s", datagram[:lab.conf.header].hex(" "), error)


@check("5.10", "COP_STATS counts datagrams and bytes", """
    Your sendto, recvfrom and close end with the defaults of datagram_prot(): these
    count, and close() has the figures printed.
    """, needs="5.6")
def counts():
    one, other = lab.bound(), lab.bound()
    addresses = ["%s:%d" % s.getsockname() for s in (one, other)]
    for _ in range(5):
        one.sendto(b"eight by", other.getsockname())
        other.recv(100)
    one.close()
    other.close()
    lines = {line["local"]: line for line in lab.stats("socket")}
    for address, names in zip(addresses, (("tx", "tx_bytes"), ("rx", "rx_bytes"))):
        expect(address in lines, "COP_STATS has no line of the socket %s", address)
        got = [lines[address][name] for name in names]
        expect(got == [5, 40], "%s of %s are %s and not [5, 40]", names, address, got)


@check("5.11", "the figures show loss, order and duplicates", """
    check fills in seq of its struct cop_hdr_info, in host order: ntohs() or ntohl();
    and first for the first datagram of a flow. has of struct cop_wire says COP_HAS_SEQ,
    and seq_bits how long a number is.
    """, needs="5.4 5.10")
def figures():
    datagrams = lab.on_the_wire(8)[0]
    plain, one = lab.udp(), lab.bound()
    for number in 0, 1, 2, 4, 3, 5, 5, 7:  # 6 is lost
        plain.sendto(datagrams[number], one.getsockname())
        one.recv(100)
    one.close()
    line, = lab.stats("flow")[-1:] or [None]
    expect(line, "COP_STATS has no line of the flow")
    got = {name: line.get(name) for name in ("rx", "lost", "reordered", "duplicated")}
    expect(got == {"rx": 8, "lost": 1, "reordered": 1, "duplicated": 1},
           "the datagrams 0 1 2 4 3 5 5 7 give %s", got)


@check("5.12", "at close() the last reference is gone", """
    The refcount is not 0 at close. Each sock_hold() needs its sock_put(), and each
    try_module_get() its module_put(). destroy and close call the defaults, too.
    """, needs="3.4 5.6 1.4")
def references():
    text = lab.python("""
for i in range(3):
    one = socket.socket(socket.AF_INET, TYPE, PROTOCOL)
    one.bind(("127.0.0.1", 0))
    one.sendto(b"to myself", one.getsockname())
    one.recv(100)
    one.close()
""", COP_DEBUG="2")
    wrong = [line for line in text.splitlines()
             if "refcnt=" in line or "a reference too many" in line]
    expect(not wrong, "%s", wrong and wrong[0])
    left = re.search(r"ends with (-?\d+) sockets", text)
    expect(left and left.group(1) == "0", "the module has %s references left at the exit",
           left.group(1) if left else "no")


if __name__ == "__main__":
    lab.main()
