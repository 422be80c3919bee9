# SPDX-License-Identifier: MIT
"""network.py KIND WHAT NEAR ROUTER FAR - hosts whose network changes

KIND is udp or cop. WHAT is the name of a function below a line that says so.
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

TYPE = {"udp": (socket.SOCK_DGRAM, 0), "cop": (7, 253)}[sys.argv[1]]
HEADER = {"udp": 0, "cop": 16}[sys.argv[1]]
PACKET_HEADERS = 28

IP_MTU_DISCOVER, IP_RECVERR, IP_MTU = 10, 11, 14
IP_PMTUDISC_DONT, IP_PMTUDISC_DO = 0, 2
MSG_ERRQUEUE = 0x2000
TIMEOUT = 5

FAR_ADDRESS, FAR_PORT = "10.77.2.2", 5000
FAR_NAME = (FAR_ADDRESS, FAR_PORT)


# ---- in a host's own process ----------------------------------------------

sockets = {}


def make(name, *address):
    """A socket, which the other functions know by a name"""
    sock = socket.socket(socket.AF_INET, *TYPE)
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


def sysctl(name, value):
    with open("/proc/sys/net/ipv4/" + name, "w") as file:
        file.write(str(value))


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
    said = [int(flags), peer]
    for level, kind, value in ancillary:
        err, origin, code, number, _, info, _ = struct.unpack_from(
            "=IBBBBII", value)
        offender = struct.unpack_from("!HH4s", value, 16)
        said += [level, kind, errno.errorcode[err], origin, code, number, info,
                 socket.inet_ntoa(offender[2])]
    return said + [len(data) + header, data[:8]]


def perform(action, args):
    if action in globals():
        return globals()[action](*args)
    return getattr(sockets[args[0]], action)(*args[1:])


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
    router.ip("address add 10.77.4.1/24 dev r2")
    near.ip("address add 10.77.4.2/24 dev h1")
    far.ip("route add 10.77.4.0/24 via 10.77.2.1")
    for host, device in (near, "h0"), (near, "h1"), (router, "r0"), (
            router, "r1"), (router, "r2"):
        host.sysctl("conf/all/rp_filter", 0)
        host.sysctl("conf/%s/rp_filter" % device, 0)


def route_changes():
    second_cable()
    far.make("server", "0.0.0.0", FAR_PORT)
    near.make("connected", "0.0.0.0", 4001)
    near.make("unconnected", "0.0.0.0", 4002)
    near.make("bound", "10.77.1.2", 4003)
    near.connect("connected", FAR_NAME)
    for route in ("via 10.77.1.1", "via 10.77.1.1 src 10.77.1.77",
                  "via 10.77.4.1 dev h1", None, "via 10.77.4.1 dev h1",
                  "via 10.77.1.1 dev h0"):
        print("---- route", route)
        if route:
            near.ip("route replace 10.77.2.0/24 " + route)
        else:
            near.ip("route del 10.77.2.0/24")
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
    far.make("server", "0.0.0.0", FAR_PORT)
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
    forwarded = ("10.77.1.1", 7000)
    far.make("server", "0.0.0.0", FAR_PORT)
    near.make("connected", "0.0.0.0", 4001)
    near.make("unconnected", "0.0.0.0", 4002)
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
    far.make("stranger", "0.0.0.0", 5001)
    far.sendto("stranger", b"stranger", ("10.77.1.2", 4001))
    far.sendto("stranger", b"stranger", ("10.77.1.2", 4002))
    print("unconnected has", near.recvfrom("unconnected", 100))
    near.send("connected", b"three")
    data, peer = far.recvfrom("server", 100)
    far.sendto("server", data.upper(), peer)
    print("connected has", near.recvfrom("connected", 100))


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
    print("IP_MTU", host.getsockopt(name, socket.IPPROTO_IP, IP_MTU))


def fragments():
    """Made by who sends them, then smaller ones by the router"""
    narrow(1400, (near, "h0"), (router, "r0"), (router, "r1"), (far, "h0"))
    far.make("server", "0.0.0.0", FAR_PORT)
    near.make("client", "0.0.0.0", 4001)
    near.connect("client", FAR_NAME)
    sizes = 0, 1, 1355, 1356, 1357, 1371, 1372, 1373, 4000, 60000
    whole(bytes(i % 253 for i in range(size)) for size in sizes)
    whole([payload(65507)])
    print("too long", near.send("client", payload(65508)))
    narrow(1200, (router, "r1"), (far, "h0"))
    near.setsockopt("client", socket.IPPROTO_IP, IP_MTU_DISCOVER,
                    IP_PMTUDISC_DONT)
    whole(bytes(i % 253 for i in range(size)) for size in sizes)


def discover_mtu(name, *address):
    near.make(name, *address)
    near.setsockopt(name, socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    near.connect(name, FAR_NAME)


def dont_fragment():
    narrow(1400, (near, "h0"), (router, "r0"))
    far.make("server", "0.0.0.0", FAR_PORT)
    discover_mtu("client", "0.0.0.0", 4001)
    longest(near, "client", 1400 - PACKET_HEADERS)
    for _ in range(3):
        data, peer = far.recvfrom("server", 65536)
        size = len(data) + HEADER
        print("far has", size, data == payload(size))
    near.setsockopt("client", socket.IPPROTO_IP, IP_RECVERR, 1)
    print("with IP_RECVERR", near.send("client", payload(1373)))
    print(near.failed("client"), near.queued_error("client"),
          near.so_error("client"))
    print(near.queued_error("client"))


def path_mtu():
    """Only the far cable is narrow: the router has to tell"""
    narrow(1300, (router, "r1"), (far, "h0"))
    far.make("server", "0.0.0.0", FAR_PORT)
    discover_mtu("client", "0.0.0.0", 4001)
    print("IP_MTU", near.getsockopt("client", socket.IPPROTO_IP, IP_MTU))
    print(near.send("client", payload(1472)) == 1472 - HEADER)
    print(near.failed("client"), near.so_error("client"))
    longest(near, "client", 1300 - PACKET_HEADERS)
    for _ in range(3):
        print("far has", len(far.recv("server", 65536)) + HEADER)
    discover_mtu("later")
    longest(near, "later", 1300 - PACKET_HEADERS)


def path_mtu_queued():
    narrow(1300, (router, "r1"), (far, "h0"))
    near.make("unconnected", "0.0.0.0", 4001)
    near.setsockopt("unconnected", socket.IPPROTO_IP, IP_MTU_DISCOVER,
                    IP_PMTUDISC_DO)
    near.setsockopt("unconnected", socket.IPPROTO_IP, IP_RECVERR, 1)
    print(near.sendto("unconnected", payload(1472), FAR_NAME) == 1472 - HEADER)
    print(near.failed("unconnected"), near.so_error("unconnected"))
    print(near.queued_error("unconnected", HEADER))
    print(near.sendto("unconnected", payload(1273), FAR_NAME))
    print(near.queued_error("unconnected"))
    print(near.sendto("unconnected", payload(1272), FAR_NAME) == 1272 - HEADER)
    print("IP_MTU",
          near.getsockopt("unconnected", socket.IPPROTO_IP, IP_MTU))


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
    near.make(name, "0.0.0.0", 4001)
    near.setsockopt(name, socket.IPPROTO_IP, IP_RECVERR, 1)
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
        host.sysctl("icmp_ratelimit", 0)
    print("---- port")
    refuse("client", (FAR_ADDRESS, 9))
    hurry(near, "h0")
    hurry(router, "r1")
    for address in "10.77.1.99", "10.77.2.99":
        print("---- host", address)
        refuse("client", (address, 9))


def nobody_untold():
    """Without IP_RECVERR a host's absence is no error, a port's is"""
    near.make("absent", "0.0.0.0", 4001)
    near.connect("absent", (FAR_ADDRESS, 9))
    print(near.send("absent", b"x"))
    print(near.failed("absent"), near.so_error("absent"),
          near.queued_error("absent"))
    hurry(near, "h0")
    near.make("watch", "0.0.0.0", 4002)
    near.setsockopt("watch", socket.IPPROTO_IP, IP_RECVERR, 1)
    near.connect("absent", ("10.77.1.99", 9))
    print(near.send("absent", b"x"))
    print(near.sendto("watch", b"x", ("10.77.1.99", 9)))
    print(near.failed("watch"), near.so_error("watch"),
          near.so_error("absent"))


# ---- WHAT: an address that is taken away ------------------------------------

def from_far(name, *addresses):
    for address in addresses:
        print("far sends", far.sendto("server", name, address))


def address_removed():
    bound, other = ("10.77.1.77", 4001), ("10.77.1.2", 4002)
    far.make("server", "0.0.0.0", FAR_PORT)
    near.make("bound", *bound)
    near.make("other", *other)
    near.make("connected", "10.77.1.77", 4003)
    near.connect("connected", FAR_NAME)
    exchange("bound", "other", "connected")
    near.ip("address del 10.77.1.77/24 dev h0")
    print("---- gone")
    exchange("bound", "other", "connected")
    from_far(b"lost", bound, ("10.77.1.77", 4003), other)
    print("other has", near.recvfrom("other", 100))
    print(near.getsockname("bound"), near.getpeername("bound"),
          near.getsockname("connected"), near.getpeername("connected"))
    print("connects", near.connect("bound", FAR_NAME))
    print(near.getsockname("bound"), near.getpeername("bound"))
    print("binds", near.make("new", "10.77.1.77", 4004))
    print("binds", near.make("new", *bound))
    near.close("connected")
    near.ip("address add 10.77.1.77/24 brd + dev h0")
    print("---- back")
    exchange("bound", "other")
    print("binds", near.make("new", *bound))
    print("binds", near.make("connected", "10.77.1.77", 4003))
    from_far(b"found", ("10.77.1.77", 4003))
    print("has", near.recvfrom("connected", 100))
    near.close("bound")
    print("binds", near.make("bound", *bound))
    exchange("bound")


# The hosts themselves need nothing of COP to change their network.
os.environ.pop("LD_PRELOAD", None)
near, router, far = [Host(netns) for netns in sys.argv[3:6]]
globals()[sys.argv[2]]()
