# SPDX-License-Identifier: MIT
"""Exercise 4: connect, autobind and disconnect"""
import lab
from exercise3 import expect_even, expect_no_leak
from lab import QUEUES, check, expect, expect_error


def connected(peer):
    """A socket that is connected to another one"""
    one = lab.sock()
    one.connect(peer.getsockname())
    return one


@check("4.1", "a send without a port binds one (autobind)", """
    The default autobind calls your get_port(sk, 0), and it does the rest. Do not
    replace autobind without autobound: the kernel binds between the two.
    """, needs="3.5")
def autobind():
    low, high = lab.port_range()
    one, other = lab.sock(), lab.bound()
    one.sendto(b"from where?", other.getsockname())
    data, peer = other.recvfrom(100)
    expect(data == b"from where?", "another datagram arrived: %s", data)
    expect(low <= lab.port_of(one) <= high, "the port is %d", lab.port_of(one))
    expect(peer == (lab.LOCALHOST, lab.port_of(one)),
           "the receiver sees %s, the sender's own port is %d", peer, lab.port_of(one))


@check("4.2", "connect() sets both addresses and a port", """
    inet_dgram_connect() calls your connect. If you have one, end it with
    datagram_prot()->connect().
    """, needs="3.5")
def connects():
    other = lab.bound()
    one = connected(other)
    expect(one.getpeername() == other.getsockname(), "getpeername() says %s",
           one.getpeername())
    expect(one.getsockname()[0] == lab.LOCALHOST and lab.port_of(one),
           "getsockname() says %s", one.getsockname())


@check("4.3", "autobind uses the queues evenly, too", """
    Wrong queue. A bind to port 0 and an autobind ask the same get_port: do not make a
    difference between them.
    """, needs="4.2 3.6")
def autobind_even():
    other = lab.bound()
    sockets = [connected(other) for _ in range(QUEUES - 1)]
    expect_even(sockets + [other], 1)


@check("4.4", "a connected socket gets its peer's datagrams only", """
    The kernel's socket under yours is connected by datagram_prot()->connect(), and the
    kernel sorts the datagrams out.
    """, needs="4.2 4.1")
def peer_only():
    other, third = lab.bound(), lab.bound()
    one = connected(other)
    third.sendto(b"from a stranger", one.getsockname())
    other.sendto(b"from the peer", one.getsockname())
    expect(one.recv(100) == b"from the peer", "a stranger's datagram arrived")


@check("4.5", "disconnect gives an autobound port back", """
    The port leaked, or the peer is still there. connect() with AF_UNSPEC calls
    disconnect: call datagram_prot()->disconnect() in yours.
    """, needs="4.2 3.4")
def disconnects():
    one = connected(lab.bound())
    port = lab.port_of(one)
    lab.disconnect(one)
    expect_error("ENOTCONN", "getpeername() after a disconnect", one.getpeername)
    expect(lab.port_of(one) == 0, "the socket still has port %d", lab.port_of(one))
    lab.bound(port=port).close()


@check("4.6", "disconnect keeps a port that bind() named", """
    Only an autobind and a bind to port 0 are undone. The kernel remembers this in
    sk_userlocks (SOCK_BINDPORT_LOCK), and so does libcop.
    """, needs="4.5 3.2")
def keeps():
    one = lab.bound(port=lab.free_port())
    port = lab.port_of(one)
    one.connect(lab.bound().getsockname())
    lab.disconnect(one)
    expect(lab.port_of(one) == port, "the socket has port %d and not %d",
           lab.port_of(one), port)
    expect_error("EADDRINUSE", "another socket's bind() to it", lab.bound,
                 lab.LOCALHOST, port)


@check("4.7", "a socket without a peer: EDESTADDRREQ, and all may send to it", """
    A send without an address needs a peer. udp_sendmsg() looks at sk_state;
    datagram_prot()->disconnect() sets it.
    """, needs="4.6 4.1")
def without_peer():
    one, other = lab.bound(port=lab.free_port()), lab.bound()
    one.connect(other.getsockname())
    lab.disconnect(one)
    expect_error("EDESTADDRREQ", "send() without a peer", one.send, b"where to?")
    lab.bound().sendto(b"from anybody", (lab.LOCALHOST, lab.port_of(one)))
    expect(one.recv(100) == b"from anybody", "another datagram arrived")


@check("4.8", "autobind, connect and disconnect leak no port", """
    A port leaked. If your operation claims a port and then fails, it gives the port
    back with inet_release_port().
    """, needs="4.5 3.8")
def no_leak():
    for _ in range(100):
        with lab.bound() as other, connected(other) as one:
            lab.disconnect(one)
            one.sendto(b"again", other.getsockname())
            one.connect(other.getsockname())
    expect_no_leak("100 times connect(), disconnect, sendto(), connect() and close()")


if __name__ == "__main__":
    lab.main()
