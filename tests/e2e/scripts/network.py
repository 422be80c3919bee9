# SPDX-License-Identifier: MIT
"""network.py KIND FAMILY WHAT NEAR ROUTER FAR - hosts whose network changes

KIND is udp or cop, FAMILY inet or inet6. WHAT is the name of a function below a line
that says so.
NEAR, ROUTER and FAR are files of network namespaces, in each of which a process
of its own has the sockets: those of one host know nothing of the others.

What is said is the same for both kinds. The one thing that is meant to differ,
the bytes that the header takes from the payload, is taken out of it: a payload
of "as UDP n bytes" makes the same packet for both.
"""
import ctypes
import errno
import functools
import multiprocessing
import os
import select
import socket
import struct
import subprocess
import sys
import time

TYPE = {"udp": (socket.SOCK_DGRAM, 0), "cop": (7, 253)}[sys.argv[1]]
HEADER = {"udp": 0, "cop": 16}[sys.argv[1]]
SIX = {"inet": False, "inet6": True}[sys.argv[2]]
FAMILY = socket.AF_INET6 if SIX else socket.AF_INET

# What a packet has before its payload, how much that is at most, and how small a
# packet a cable may be limited to.
PACKET_HEADERS, LONGEST, NARROWEST = (48, 65527, 1280) if SIX else \
    (28, 65507, 1200)

LEVEL = socket.IPPROTO_IPV6 if SIX else socket.IPPROTO_IP
MTU_DISCOVER, RECVERR, MTU = (23, 25, 24) if SIX else (10, 11, 14)
PMTUDISC_DONT, PMTUDISC_DO = 0, 2
MSG_ERRQUEUE = 0x2000
TIMEOUT = 5


def at(place):
    """Address of a host, by the number of its cable and its own, as in 1.2"""
    return ("fd77:%s::%s" if SIX else "10.77.%s.%s") % tuple(place.split("."))


def net(cable):
    return ("fd77:%s::/64" if SIX else "10.77.%s.0/24") % cable


def on_cable(place):
    """The same, as ip address add takes it"""
    return at(place) + ("/64 nodad" if SIX else "/24 brd +")


ANY = "::" if SIX else "0.0.0.0"
FAR_ADDRESS, FAR_PORT = at("2.2"), 5000
FAR_NAME = (FAR_ADDRESS, FAR_PORT)


# ---- in a host's own process ----------------------------------------------

sockets = {}


def make(name, *address):
    """A socket, which the other functions know by a name"""
    sock = socket.socket(FAMILY, *TYPE)
    sock.settimeout(TIMEOUT)
    try:
        if address:
            sock.bind(address)
    except OSError:
        sock.close()
        raise
    sockets[name] = sock


def ip(line):
    subprocess.run(["ip"] + line.split(), check=True)


def write_sysctl(family, name, value):
    with open("/proc/sys/net/%s/%s" % (family, name), "w") as file:
        file.write(str(value))


def sysctl(name, value):
    write_sysctl("ipv6" if SIX else "ipv4", name, value)


def failed(name):
    """Whether an error comes in the socket's time"""
    poller = select.poll()
    poller.register(sockets[name], 0)
    return [event for _, event in poller.poll(TIMEOUT * 1000)]


def so_error(name):
    err = sockets[name].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return errno.errorcode.get(err, err)


def queued_error(name, header=0):
    """What the error queue's head says

    A payload that was cut short on the way back is @header bytes shorter.
    """
    sock = sockets[name]
    sock.settimeout(0)
    try:
        data, ancillary, flags, peer = sock.recvmsg(65536, 1024, MSG_ERRQUEUE)
    finally:
        sock.settimeout(TIMEOUT)
    said = [int(flags), short(peer)]
    for level, kind, value in ancillary:
        err, origin, code, number, _, info, _ = struct.unpack_from(
            "=IBBBBII", value)
        offender = value[24:40] if SIX else value[20:24]
        said += [level, kind, errno.errorcode[err], origin, code, number, info,
                 socket.inet_ntop(FAMILY, offender)]
    return said + [len(data) + header, data[:8]]


def short(value):
    """Addresses of IPv6 without flow label and scope, which are 0 here"""
    if isinstance(value, tuple) and len(value) == 2:
        return value[0], short(value[1])
    if isinstance(value, tuple) and value[2:] == (0, 0):
        return value[:2]
    return value


def perform(action, args):
    if action in globals():
        return globals()[action](*args)
    return short(getattr(sockets[args[0]], action)(*args[1:]))


def live(netns, pipe):
    """Do what is asked, until nobody is there to ask"""
    fd = os.open(netns, os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(fd, 0):
        raise OSError(ctypes.get_errno(), "setns")
    os.close(fd)
    while True:
        action, args = pipe.recv()
        try:
            pipe.send(perform(action, args))
        except TimeoutError:
            pipe.send("nothing comes")
        except OSError as err:
            pipe.send(errno.errorcode[err.errno])


# ---- in the first process ---------------------------------------------------

class Host:
    """Its methods are those of a socket, and the functions above"""

    def __init__(self, netns):
        self.netns = netns
        self.pipe, theirs = multiprocessing.Pipe()
        multiprocessing.Process(target=live, args=(netns, theirs),
                                daemon=True).start()
        theirs.close()

    def perform(self, action, *args):
        self.pipe.send((action, args))
        return self.pipe.recv()

    def __getattr__(self, action):
        return functools.partial(self.perform, action)


def payload(size):
    """What makes a packet of @size bytes of payload as UDP"""
    return bytes(i * 7 % 251 for i in range(size - HEADER))


def packet(size):
    """The payload of a packet of @size bytes"""
    return payload(size - PACKET_HEADERS)


def exchange(*names):
    """A datagram of each socket of near to far, and its answer"""
    for name in names:
        if near.getpeername(name) == "ENOTCONN":
            sent = near.sendto(name, name.encode(), FAR_NAME)
        else:
            sent = near.send(name, name.encode())
        print(name, "sends", sent)
        if not isinstance(sent, int):
            continue
        data, peer = far.recvfrom("server", 100)
        print("far has", data, "from", peer)
        print("far answers", far.sendto("server", data.upper(), peer))
        print(name, "has", near.recvfrom(name, 100), "at",
              near.getsockname(name))


# ---- WHAT: a route that changes ---------------------------------------------

def second_cable():
    router.ip("link add r2 type veth peer name h1 netns " + near.netns)
    router.ip("link set r2 up")
    near.ip("link set h1 up")
    router.ip("address add %s dev r2" % on_cable("4.1"))
    near.ip("address add %s dev h1" % on_cable("4.2"))
    far.ip("route add %s via %s" % (net(4), at("2.1")))
    for host, device in (near, "h0"), (near, "h1"), (router, "r0"), (
            router, "r1"), (router, "r2"):
        host.write_sysctl("ipv4", "conf/all/rp_filter", 0)
        host.write_sysctl("ipv4", "conf/%s/rp_filter" % device, 0)


def route_changes():
    second_cable()
    far.make("server", ANY, FAR_PORT)
    near.make("connected", ANY, 4001)
    near.make("unconnected", ANY, 4002)
    near.make("bound", at("1.2"), 4003)
    near.connect("connected", FAR_NAME)
    by_h0, by_h1 = "via " + at("1.1"), "via %s dev h1" % at("4.1")
    for route in (by_h0, by_h0 + " src " + at("1.77"), by_h1, None, by_h1,
                  by_h0 + " dev h0"):
        print("---- route", route)
        if route:
            near.ip("route replace %s %s" % (net(2), route))
        else:
            near.ip("route del " + net(2))
        exchange("connected", "unconnected", "bound")
        near.make("new")
        print("new connects", near.connect("new", FAR_NAME),
              near.getsockname("new")[0])
        near.close("new")
    print("connected again", near.connect("connected", FAR_NAME),
          near.getsockname("connected"))
    exchange("connected")


# ---- WHAT: addresses that are translated on the way -------------------------

def source_nat():
    far.make("server", ANY, FAR_PORT)
    near.make("connected")
    near.make("unconnected")
    near.connect("connected", FAR_NAME)
    for name in "connected", "unconnected", "connected":
        if name == "connected":
            near.send(name, name.encode())
        else:
            near.sendto(name, name.encode(), FAR_NAME)
        data, peer = far.recvfrom("server", 100)
        print("far has", data, "from", peer[0], 1024 <= peer[1] < 2048)
        far.make("answer")
        print("far connects", far.connect("answer", peer),
              far.getsockname("answer")[0])
        far.close("answer")
        print("far answers", far.sendto("server", data.upper(), peer))
        print(name, "has", near.recvfrom(name, 100))


def port_forward():
    forwarded = (at("1.1"), 7000)
    far.make("server", ANY, FAR_PORT)
    near.make("connected", ANY, 4001)
    near.make("unconnected", ANY, 4002)
    near.connect("connected", forwarded)
    for data in b"one", b"two":
        print("sends", near.send("connected", data))
        print("sends", near.sendto("unconnected", data, forwarded))
        for name in "connected", "unconnected":
            data, peer = far.recvfrom("server", 100)
            print("far has", data, "from", peer)
            print("far answers", far.sendto("server", data.upper(), peer))
            print(name, "has", near.recvfrom(name, 100))
    print("connected", near.getsockname("connected"),
          near.getpeername("connected"))
    far.make("stranger", ANY, 5001)
    far.sendto("stranger", b"stranger", (at("1.2"), 4001))
    far.sendto("stranger", b"stranger", (at("1.2"), 4002))
    print("unconnected has", near.recvfrom("unconnected", 100))
    near.send("connected", b"three")
    data, peer = far.recvfrom("server", 100)
    far.sendto("server", data.upper(), peer)
    print("connected has", near.recvfrom("connected", 100))


def redirected():
    """Every datagram to port 9 goes to a server on the router"""
    asked = (FAR_ADDRESS, 9)
    router.make("server", ANY, 5000)
    near.make("connected", ANY, 4001)
    near.make("unconnected", ANY, 4002)
    near.connect("connected", asked)
    for name, data in ("connected", b"one"), ("unconnected", b"two"):
        if name == "connected":
            print("sends", near.send(name, data))
        else:
            print("sends", near.sendto(name, data, asked))
        data, peer = router.recvfrom("server", 100)
        print("router has", data, "from", peer)
        print("router answers", router.sendto("server", data.upper(), peer))
        print(name, "has", near.recvfrom(name, 100))


# ---- WHAT: packets that are too long ----------------------------------------

def narrow(mtu, *cables):
    for host, device in cables:
        host.ip("link set %s mtu %u" % (device, mtu))


def whole(payloads):
    """There and back"""
    for data in payloads:
        sent = near.send("client", data)
        there, peer = far.recvfrom("server", 65536)
        back = far.sendto("server", there, peer)
        here = near.recv("client", 65536)
        print(sent == back == len(data), there == here == data)


def longest(host, name, around):
    """What a socket says of lengths near a limit, as UDP"""
    for size in range(around - 2, around + 3):
        sent = host.send(name, payload(size))
        print(size, sent + HEADER if isinstance(sent, int) else sent)
    print("IP_MTU", host.getsockopt(name, LEVEL, MTU))


def teach_mtu(name, size):
    """A router makes no fragments of IPv6: it drops, and tells"""
    near.send(name, payload(size))
    for _ in range(100):
        if near.getsockopt(name, LEVEL, MTU) == NARROWEST:
            return
        time.sleep(.05)


def fragments():
    """Made by who sends them, then smaller ones by the router"""
    narrow(1400, (near, "h0"), (router, "r0"), (router, "r1"), (far, "h0"))
    far.make("server", ANY, FAR_PORT)
    near.make("client", ANY, 4001)
    near.connect("client", FAR_NAME)
    edge = 1400 - PACKET_HEADERS
    sizes = (0, 1, edge - 17, edge - 16, edge - 15, edge - 1, edge, edge + 1,
             4000, 60000)
    whole(bytes(i % 253 for i in range(size)) for size in sizes)
    whole([payload(LONGEST)])
    print("too long", near.send("client", payload(LONGEST + 1)))
    narrow(NARROWEST, (router, "r1"), (far, "h0"))
    near.setsockopt("client", LEVEL, MTU_DISCOVER,
                    PMTUDISC_DONT)
    if SIX:
        teach_mtu("client", edge)
    whole(bytes(i % 253 for i in range(size)) for size in sizes)


def discover_mtu(name, *address):
    near.make(name, *address)
    near.setsockopt(name, LEVEL, MTU_DISCOVER, PMTUDISC_DO)
    near.connect(name, FAR_NAME)


def dont_fragment():
    narrow(1400, (near, "h0"), (router, "r0"))
    far.make("server", ANY, FAR_PORT)
    discover_mtu("client", ANY, 4001)
    longest(near, "client", 1400 - PACKET_HEADERS)
    for _ in range(3):
        data, peer = far.recvfrom("server", 65536)
        size = len(data) + HEADER
        print("far has", size, data == payload(size))
    near.setsockopt("client", LEVEL, RECVERR, 1)
    print("with IP_RECVERR", near.send("client", packet(1401)))
    print(near.failed("client"), near.queued_error("client"),
          near.so_error("client"))
    print(near.queued_error("client"))


def path_mtu():
    """Only the far cable is narrow: the router has to tell"""
    narrow(1300, (router, "r1"), (far, "h0"))
    far.make("server", ANY, FAR_PORT)
    discover_mtu("client", ANY, 4001)
    print("IP_MTU", near.getsockopt("client", LEVEL, MTU))
    print(near.send("client", packet(1500)) == len(packet(1500)))
    print(near.failed("client"), near.so_error("client"))
    longest(near, "client", 1300 - PACKET_HEADERS)
    for _ in range(3):
        print("far has", len(far.recv("server", 65536)) + HEADER)
    discover_mtu("later")
    longest(near, "later", 1300 - PACKET_HEADERS)


def path_mtu_queued():
    narrow(1300, (router, "r1"), (far, "h0"))
    near.make("unconnected", ANY, 4001)
    near.setsockopt("unconnected", LEVEL, MTU_DISCOVER,
                    PMTUDISC_DO)
    near.setsockopt("unconnected", LEVEL, RECVERR, 1)
    print(near.sendto("unconnected", packet(1500), FAR_NAME) ==
          len(packet(1500)))
    print(near.failed("unconnected"), near.so_error("unconnected"))
    print(near.queued_error("unconnected", HEADER))
    print(near.sendto("unconnected", packet(1301), FAR_NAME))
    print(near.queued_error("unconnected"))
    print(near.sendto("unconnected", packet(1300), FAR_NAME) ==
          len(packet(1300)))
    print("IP_MTU",
          near.getsockopt("unconnected", LEVEL, MTU))


# ---- WHAT: nobody is there --------------------------------------------------

def hurry(host, device):
    """Neighbours that do not answer are given up soon

    Those that do had better be known by then.
    """
    host.sysctl("neigh/%s/mcast_solicit" % device, 1)
    host.sysctl("neigh/%s/retrans_time_ms" % device, 50)


def refuse(name, address):
    """An error of a datagram to nobody, in both ways of being told"""
    data = b"nobody is there"
    near.make(name, ANY, 4001)
    near.setsockopt(name, LEVEL, RECVERR, 1)
    for told in (near.so_error, name), (near.recv, name, 100):
        print("sends", near.sendto(name, data, address))
        print(near.failed(name))
        print("told", told[0](*told[1:]))
        print(near.queued_error(name), near.queued_error(name))
    near.connect(name, address)
    print("sends", near.send(name, data), near.failed(name))
    print("told", near.send(name, data), near.queued_error(name))
    near.close(name)


def nobody():
    for host in near, router, far:
        host.sysctl("icmp/ratelimit" if SIX else "icmp_ratelimit", 0)
    print("---- port")
    refuse("client", (FAR_ADDRESS, 9))
    hurry(near, "h0")
    hurry(router, "r1")
    for address in at("1.99"), at("2.99"):
        print("---- host", address)
        refuse("client", (address, 9))


def nobody_untold():
    """Without IP_RECVERR a host's absence is no error, a port's is"""
    near.make("absent", ANY, 4001)
    near.connect("absent", (FAR_ADDRESS, 9))
    print(near.send("absent", b"x"))
    print(near.failed("absent"), near.so_error("absent"),
          near.queued_error("absent"))
    hurry(near, "h0")
    near.make("watch", ANY, 4002)
    near.setsockopt("watch", LEVEL, RECVERR, 1)
    near.connect("absent", (at("1.99"), 9))
    print(near.send("absent", b"x"))
    print(near.sendto("watch", b"x", (at("1.99"), 9)))
    print(near.failed("watch"), near.so_error("watch"),
          near.so_error("absent"))


# ---- WHAT: an address that is taken away ------------------------------------

def from_far(name, *addresses):
    for address in addresses:
        print("far sends", far.sendto("server", name, address))


def address_removed():
    bound, other = (at("1.77"), 4001), (at("1.2"), 4002)
    far.make("server", ANY, FAR_PORT)
    near.make("bound", *bound)
    near.make("other", *other)
    near.make("connected", at("1.77"), 4003)
    near.connect("connected", FAR_NAME)
    exchange("bound", "other", "connected")
    near.ip("address del %s dev h0" % on_cable("1.77").split()[0])
    print("---- gone")
    exchange("bound", "other", "connected")
    from_far(b"lost", bound, (at("1.77"), 4003), other)
    print("other has", near.recvfrom("other", 100))
    print(near.getsockname("bound"), near.getpeername("bound"),
          near.getsockname("connected"), near.getpeername("connected"))
    print("connects", near.connect("bound", FAR_NAME))
    print(near.getsockname("bound"), near.getpeername("bound"))
    print("binds", near.make("new", at("1.77"), 4004))
    print("binds", near.make("new", *bound))
    near.close("connected")
    near.ip("address add %s dev h0" % on_cable("1.77"))
    print("---- back")
    exchange("bound", "other")
    print("binds", near.make("new", *bound))
    print("binds", near.make("connected", at("1.77"), 4003))
    from_far(b"found", (at("1.77"), 4003))
    print("has", near.recvfrom("connected", 100))
    near.close("bound")
    print("binds", near.make("bound", *bound))
    exchange("bound")


# The hosts themselves need nothing of COP to change their network.
os.environ.pop("LD_PRELOAD", None)
near, router, far = [Host(netns) for netns in sys.argv[4:7]]
globals()[sys.argv[3]]()
