# SPDX-License-Identifier: MIT
"""script6.py - random scripts of calls on AF_INET6 and AF_INET sockets

What is different from script.py: families, addresses, options, and control
messages. The network that a script asks for is one of NETS:

    4       as for scripts of AF_INET alone
    6       more IPv6 addresses on lo, and a second device
    6only   that, and new sockets are IPV6_V6ONLY
    off     IPv6 is off on all devices: its sockets can be made, and no more
    none    the kernel has no IPv6: EAFNOSUPPORT
"""
import random
import socket
import struct

from script import (BAD, IPPROTO_IP, LENGTHS, PORTS, SO_ATTACH_FILTER,
                    SO_REUSEADDR, SO_REUSEPORT, SOCK_NONBLOCK, SOL_SOCKET,
                    Script, hexed, ip_hex)
import script

AF_INET, AF_INET6 = 2, 10
IPPROTO_IPV6 = 41
NETS = ("4", "6", "6only", "off", "none")

IPV6_ADDRFORM, IPV6_2292PKTOPTIONS, IPV6_CHECKSUM = 1, 6, 7
IPV6_MULTICAST_IF, IPV6_JOIN_GROUP, IPV6_LEAVE_GROUP = 17, 20, 21
IPV6_MTU_DISCOVER, IPV6_MTU, IPV6_RECVERR, IPV6_V6ONLY = 23, 24, 25, 26
IPV6_JOIN_ANYCAST, IPV6_LEAVE_ANYCAST, IPV6_FLOWLABEL_MGR = 27, 28, 32
IPV6_FLOWINFO_SEND, IPV6_HDRINCL, IPV6_RECVPKTINFO, IPV6_PKTINFO = (
    33, 36, 49, 50)
IPV6_HOPOPTS, IPV6_RTHDRDSTOPTS, IPV6_RTHDR, IPV6_DSTOPTS = 54, 55, 57, 59
IPV6_PATHMTU, IPV6_DONTFRAG, IPV6_RECVTCLASS, IPV6_TCLASS = 61, 62, 66, 67
IPV6_ADDR_PREFERENCES, IPV6_RECVORIGDSTADDR, IPV6_UNICAST_IF = 72, 74, 76
IPV6_RECVFRAGSIZE = 77
LAST_IPV6 = 81

IPV6_FLAGS = [2, 3, 4, 5, 8, 11, 19, 25, 26, 29, 30, 31, 33, 49, 51, 53, 56,
              58, 60, 62, 66, 70, 74, 75, 77, 78]
IPV6_NUMBERS = [16, 18, 23, 24, 67, 72, 73, 22, 14, 15]
MCAST_GROUPS, MCAST_SOURCES, MCAST_MSFILTER = (42, 45), (43, 44, 46, 47), 48

# the devices of the network; the last is none of them
LO, SECOND, NO_DEVICE = 1, 2, 99
OWN = {"fe80::1": LO, "fe80::2": SECOND}

GROUPS = ["ff02::1", "ff01::1", "ff02::5:7", "ff05::5:7", "ff0e::5:7"]
ADDRESSES = ["::1"] * 7 + ["::"] * 4 + ["::ffff:127.0.0.1"] * 4 + [
    "::ffff:0.0.0.0", "::ffff:127.0.0.2", "::ffff:10.1.0.1", "fd00::1",
    "fd00::1", "fd00::2", "fe80::1", "fe80::1", "fe80::2", "fe80::77",
    "::ffff:8.8.8.8", "::ffff:224.1.1.1", "::ffff:255.255.255.255",
    "::ffff:10.9.1.1", "2001:db8::1", "fd09::1", "::127.0.0.1", "::2",
    "fec0::1", "ff02::1"] + GROUPS
BINDS = ["::1", "::1", "::1", "::", "::", "::ffff:127.0.0.1", "fd00::1",
         "::ffff:0.0.0.0"]
SHARED = ["::1", "::", "fd00::1", "ff02::5:7", "127.0.0.1", "0.0.0.0",
          "::ffff:127.0.0.1", "10.1.0.1"]


def in6_hex(ip):
    return socket.inet_pton(socket.AF_INET6, ip).hex()


def is_in6(ip):
    return ":" in ip


def is_scoped(ip):
    """Whether an address says little without its device"""
    return ip[:4] in ("fe80", "ff02", "ff01")


def mapped(ip):
    return "::ffff:" + ip


def unmapped(ip):
    return ip[7:] if ip.startswith("::ffff:") else ip


def sockaddr_hex(ip, scope=0):
    """Of 128 bytes, as a struct sockaddr_storage"""
    addr = struct.pack("<HHI", AF_INET6, 0, 0).hex() + in6_hex(ip) + hexed(
        scope, form="I")
    return addr + "00" * 100


# Of hop-by-hop and destination options, good ones first: padding, a router
# alert, 16 bytes; too short, beyond its end, a jumbo payload, one byte more
HEADERS = ["00000104" "00000000", "00000502" "00000100",
           "0001010c" + "00" * 12, "00", "00050104" "00000000",
           "0000c204" "00000000", "00000104" "00000000" "00"]
# Routing headers, of which the kernel takes a segment routing header at most
ROUTING = ["00000000" "00000000", "00020001" "00000000" + in6_hex("::1"),
           "00020201" "00000000" + in6_hex("::1"),
           "00020400" "00000000" + in6_hex("::1"),
           "00020401" "00000000" + in6_hex("::1"), "000204"]


class Script6(Script):
    """One random script of both families"""

    EDGES = script.EDGES + [1216, 1232, 1233, 1436, 1437, 1452, 1453, 65472,
                            65473, 65488, 65489]
    BEYOND = script.BEYOND + [65528, 65529]
    AT_LIMIT = script.AT_LIMIT + [65511, 65512, 65520, 65526, 65527]
    ROOMS = Script.ROOMS + [1436, 1452, 65511, 65527]

    def __init__(self, seed, number, shares=False, net="6"):
        Script.__init__(self, seed, number, shares)
        self.net = net
        self.families = {}  # slot: its family
        self.odds_of_6 = {"none": 25, "off": 55}.get(net, 65)

    # ---- families --------------------------------------------------------------

    def new_family(self, slot):
        family = AF_INET6 if self.chance(self.odds_of_6) else AF_INET
        self.families[slot] = family
        return [family] if family != AF_INET else []

    def same_family(self, old, new):
        self.families[new] = self.families.get(old, AF_INET)

    def is_6(self, slot):
        return self.families.get(slot) == AF_INET6

    def one_of_6(self):
        """A slot of the actor's, of AF_INET6 if there is one"""
        seen = [s for s in sorted(self.sees[self.actor]) if self.is_6(s)]
        return self.any(seen) if seen else self.slot()

    # ---- names -----------------------------------------------------------------

    def name6_length(self):
        if self.chance(92):
            return 28
        return self.pick(0, 1, 2, 3, 4, 8, 16, 20, 23, 24, 24, 25, 27, 29, 32,
                         128, 129, 256, 0x7fffffff, 0x80000000, 0xffffffff)

    def family6(self):
        return AF_INET6 if self.chance(96) else self.pick(0, 1, 2, 16, 255,
                                                          65535)

    def scope(self, ip):
        if not is_scoped(ip):
            return 0 if self.chance(96) else self.pick(LO, SECOND, NO_DEVICE)
        if self.chance(65):
            return OWN.get(ip, LO)
        return self.pick(0, 0, LO, SECOND, NO_DEVICE, 0x80000000)

    def flow(self):
        if self.chance(90):
            return 0
        return self.pick(0x12345, 0x12345, 0xfffff, 0x0ff00000, 0x02812345,
                         0xffffffff, 1)

    def name_of(self, ip, port):
        if not is_in6(ip):
            return "%d,%s,%s,%d" % (self.family(), ip, port,
                                    self.name_length())
        word = "%d,%s,%s,%d" % (self.family6(), ip, port, self.name6_length())
        scope, flow = self.scope(ip), self.flow()
        return word + (",%d,%#x" % (scope, flow) if scope or flow else "")

    def address(self, slot):
        """One that a socket may be asked to bind or to reach"""
        of_its_own = self.chance(90)
        return self.any(ADDRESSES if self.is_6(slot) == of_its_own
                        else script.ADDRESSES)

    def reach(self, slot, ip):
        """How a socket writes the address at which another one is bound"""
        if self.chance(8):
            return self.address(slot)
        if not self.is_6(slot):
            if ip == "::":
                return "127.0.0.1"
            return unmapped(ip) if self.chance(85) else ip
        if ip == "::":
            return self.pick("::1", "::1", "::1", "::", "fd00::1", "fe80::1",
                             "::ffff:127.0.0.1", "::ffff:127.0.0.1",
                             "127.0.0.1")
        ip = "127.0.0.1" if unmapped(ip) == "0.0.0.0" else unmapped(ip)
        return mapped(ip) if not is_in6(ip) and self.chance(85) else ip

    def bind_name(self, slot):
        if self.chance(3):
            return self.bad_name()
        port = 0 if self.chance(60) else self.any(PORTS)
        if self.chance(4):
            port = "@%d" % self.slot()
        return self.name_of(self.address(slot), port)

    def bind_well(self, slot):
        if not self.is_6(slot):
            Script.bind_well(self, slot)
            return
        ip = self.any(BINDS)
        if self.chance(12):
            self.add("setsockopt", slot, IPPROTO_IPV6, IPV6_V6ONLY,
                     hexed(self.pick(0, 1)), 4)
        self.add("bind", slot, "10,%s,%s,28" % (
            ip, 0 if self.chance(80) else 2000 + slot))
        self.slots[slot] = ip

    def peer_name(self, slot):
        if self.chance(3):
            return self.bad_name()
        targets = sorted(self.slots)
        if targets and self.chance(90):
            to = self.any(targets)
            return self.name_of(self.reach(slot, self.slots[to]), "@%d" % to)
        return self.name_of(self.address(slot), self.any(PORTS + [0]))

    def name_at(self, slot, to):
        ip = self.slots.get(to, "::1" if self.is_6(to) else "127.0.0.1")
        return self.name_of(self.reach(slot, ip), "@%d" % to)

    def do_connect(self):
        slot = self.slot()
        if self.chance(18):
            length = self.pick(28, 28, 24, 16, 16, 2, 1, 0, 128, 129)
            self.add("connect", slot, "0,%s,0,%d" % (
                self.pick("0.0.0.0", "::", "::1"), length))
            return
        self.add("connect", slot, self.peer_name(slot))
        self.slots.setdefault(slot, "::1" if self.is_6(slot) else "127.0.0.1")

    def connect_well(self, slot):
        if not self.is_6(slot):
            Script.connect_well(self, slot)
            return
        to = self.any(sorted(self.slots) or [0])
        ip = unmapped(self.slots.get(to, "::1"))
        ip = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(ip, ip)
        self.add("connect", slot, "10,%s,@%d,28" % (
            ip if is_in6(ip) else mapped(ip), to))

    def out(self, size=16):
        if size == 16:
            size = self.pick(28, 28, 28, 28, 16, 128)
            if self.chance(8):
                size = self.pick(20, 23, 24, 25, 26, 27, 29)
        return Script.out(self, size)

    def name_room(self):
        return self.pick(28, 28, 28, 28, 16, 128, 0, 1, 2, 8, 24, 27, 200)

    # ---- control messages --------------------------------------------------------

    def one_control(self):
        if self.chance(40):
            return Script.one_control(self)
        info = in6_hex(self.pick("::1", "::1", "::", "fd00::1", "fd00::2",
                                 "fe80::1", "::ffff:127.0.0.1", "2001:db8::1",
                                 "::ffff:127.0.0.2", "ff02::1"))
        info += hexed(self.pick(0, 0, 0, LO, LO, SECOND, NO_DEVICE), form="I")
        number = hexed(self.number_value())
        return "41:" + self.pick(
            "50:" + info, "50:" + info, "50:" + info, "2:" + info,
            "52:" + number, "52:" + hexed(self.pick(1, 64, 255, -1)),
            "8:" + hexed(self.pick(1, 64, 255, -1)),
            "67:" + hexed(self.pick(0, 0x10, 255, -1, 256)),
            "62:" + hexed(self.pick(0, 1, 1, 2, -1)),
            "11:" + struct.pack(">I", self.pick(0, 0x12345, 0x0ff00000)).hex(),
            "54:" + self.any(HEADERS), "59:" + self.any(HEADERS),
            "55:" + self.any(HEADERS), "3:" + self.any(HEADERS),
            "4:" + self.any(HEADERS), "57:" + self.any(ROUTING),
            "5:" + self.any(ROUTING),
            "%d:%s" % (self.rnd.randrange(LAST_IPV6), number))

    # ---- options -------------------------------------------------------------------

    def option(self):
        odds = self.rnd.random()
        if odds < 0.45:
            return Script.option(self)
        if odds < 0.65:
            return IPPROTO_IPV6, self.any(IPV6_FLAGS)
        if odds < 0.80:
            return IPPROTO_IPV6, self.any(IPV6_NUMBERS)
        return IPPROTO_IPV6, self.rnd.randrange(LAST_IPV6)

    def value(self, level, name):
        if level != IPPROTO_IPV6:
            return Script.value(self, level, name)
        if name in IPV6_FLAGS:
            return hexed(self.pick(0, 1, 1, 1, 2, -1))
        if name == IPV6_UNICAST_IF:
            return struct.pack(">i", self.pick(0, LO, SECOND, NO_DEVICE)).hex()
        if name == IPV6_MULTICAST_IF:
            return hexed(self.pick(0, LO, LO, SECOND, NO_DEVICE, -1))
        if name == IPV6_MTU_DISCOVER:
            return hexed(self.pick(0, 1, 2, 3, 4, 5, 6, -1))
        if name == IPV6_ADDRFORM:
            return hexed(self.pick(2, 2, 2, 10, 0))
        if name == IPV6_CHECKSUM:
            return hexed(self.pick(0, 2, 3, -1))
        if name == IPV6_ADDR_PREFERENCES:
            return hexed(self.pick(1, 2, 4, 0x100, 0x400, 0x800, 3, 0, -1))
        if name == IPV6_MTU:
            return hexed(self.pick(1280, 1279, 0, 1500, 9000, 65536, -1))
        return self.long_value(name)

    def long_value(self, name):
        """Of options of more than a number"""
        index = self.pick(0, LO, LO, SECOND, NO_DEVICE)
        group = self.any(GROUPS + ["fd00::1", "::ffff:224.1.1.1"])
        if name in (IPV6_JOIN_GROUP, IPV6_LEAVE_GROUP, IPV6_JOIN_ANYCAST,
                    IPV6_LEAVE_ANYCAST, IPV6_PKTINFO):
            ip = group if name < IPV6_JOIN_ANYCAST else self.pick(
                "::1", "fd00::1", "fd00::", "fe80::", "::", "2001:db8::1")
            return in6_hex(ip) + hexed(index, form="I")
        if name in MCAST_GROUPS:
            return hexed(index) + "00000000" + sockaddr_hex(group)
        if name in MCAST_SOURCES:
            return (hexed(index) + "00000000" + sockaddr_hex(group) +
                    sockaddr_hex(self.pick("::1", "fd00::1")))
        if name == MCAST_MSFILTER:
            return (hexed(index) + "00000000" + sockaddr_hex(group) +
                    hexed(self.pick(0, 1), 1) + sockaddr_hex("::1"))
        if name == IPV6_FLOWLABEL_MGR:
            return self.flow_label()
        if name in (IPV6_HOPOPTS, IPV6_RTHDRDSTOPTS, IPV6_DSTOPTS):
            return self.pick(self.any(HEADERS), self.any(HEADERS), "-")
        if name == IPV6_RTHDR:
            return self.pick(self.any(ROUTING), self.any(ROUTING), "-")
        if name == IPV6_2292PKTOPTIONS:
            return self.pick("-", "1400000000000000290000003400000040000000" +
                             "00000000")
        return self.pick(hexed(self.number_value()),
                         hexed(self.number_value()), "01")

    def flow_label(self):
        """A struct in6_flowlabel_req"""
        return (in6_hex(self.pick("::1", "::1", "fd00::1", "::")) +
                struct.pack(">I", self.pick(0x12345, 0x12345, 0xfffff)).hex() +
                struct.pack("<BBHHHI", self.pick(0, 0, 0, 1, 2, 3),
                            self.pick(1, 1, 255, 2, 3, 0),
                            self.pick(1, 1, 0, 3, 8), self.pick(0, 6),
                            self.pick(0, 6, 60), 0).hex())

    def set_well(self, slot):
        if not self.is_6(slot) or self.chance(30):
            Script.set_well(self, slot)
            return
        name = self.any([49, 49, 51, 66, 66, 25, 25, 25, 74, 2, 8, 11, 33, 33,
                         62, 77, 60, 56, 58])
        self.add("setsockopt", slot, IPPROTO_IPV6, name, hexed(1), 4)

    # ---- several calls that belong together ------------------------------------------

    def do_group(self):
        slot = self.one_of_6()
        if not self.is_6(slot) or self.chance(25):
            Script.do_group(self)
            return
        group, index = self.any(GROUPS), self.pick(LO, LO, SECOND, 0)
        join = in6_hex(group) + hexed(index)
        self.add("setsockopt", slot, IPPROTO_IPV6, IPV6_JOIN_GROUP, join, 20)
        for _ in range(self.pick(0, 1, 1, 2)):
            name, value = self.pick((17, LO), (17, SECOND), (18, 0), (18, 3),
                                    (19, 0), (29, 0), (29, 1), (17, 0))
            self.add("setsockopt", self.one_of_6(), IPPROTO_IPV6, name,
                     hexed(value), 4)
        scope = self.pick(index, index, LO, 0)
        self.add("sendto", self.one_of_6(), "o,%d" % self.any(LENGTHS), 0,
                 "10,%s,@%d,28,%d,0" % (group, slot, scope))
        self.do_receive()
        if self.chance(30):
            self.add("setsockopt", slot, IPPROTO_IPV6, IPV6_LEAVE_GROUP, join,
                     20)

    def do_refused(self):
        slot = self.one_of_6()
        if not self.is_6(slot) or self.chance(25):
            Script.do_refused(self)
            return
        for level, name in ((IPPROTO_IPV6, IPV6_RECVERR), (IPPROTO_IP, 11)):
            if self.chance(60 if level == IPPROTO_IPV6 else 25):
                self.add("setsockopt", slot, level, name, hexed(1), 4)
        ip = self.pick("::1", "::1", "::1", "::ffff:127.0.0.1", "fd00::2",
                       "::ffff:127.0.0.1", "fd09::1", "2001:db8::1", "fe80::1",
                       "::ffff:10.9.1.1", "fe80::77")
        if self.chance(70):
            self.add("connect", slot, "10,%s,%d,28,%d,0" % (
                ip, self.pick(9, 9, 7, 2003), self.scope(ip)))
        else:
            self.add("sendto", slot, "o,%d" % self.length(), 0,
                     "10,%s,9,28,%d,0" % (ip, self.scope(ip)))
        for _ in range(self.pick(1, 2, 3)):
            self.pick(self.do_send, self.do_receive, self.do_poll,
                      self.do_getsockopt, self.do_epoll)()
        if self.chance(60):
            self.add("recvmsg", slot, 0x2040, self.message_in())
        if self.chance(50):
            self.add("getsockopt", slot, 1, 4, "o,4")

    def do_taken(self):
        port = self.pick(2000, 2001)
        for _ in range(self.pick(2, 2, 3)):
            slot = self.slot()
            if self.chance(30):
                self.add("setsockopt", slot, SOL_SOCKET,
                         self.pick(SO_REUSEADDR, SO_REUSEPORT), hexed(1), 4)
            if self.is_6(slot) and self.chance(30):
                self.add("setsockopt", slot, IPPROTO_IPV6, IPV6_V6ONLY,
                         hexed(self.pick(0, 1, 1)), 4)
            ip = self.address(slot)
            form = "10,%s,%d,28" if is_in6(ip) else "2,%s,%d,16"
            self.add("bind", slot, form % (ip, port))

    def do_only(self):
        """IPV6_V6ONLY, and what comes over IPv4 then"""
        slot = self.one_of_6()
        self.add("setsockopt", slot, IPPROTO_IPV6, IPV6_V6ONLY,
                 hexed(self.pick(0, 1, 1)), 4)
        if self.chance(50):
            self.add("bind", slot, self.bind_name(slot))
        if self.chance(50):
            self.add("sendto", self.slot(), "o,%d" % self.any(LENGTHS), 0,
                     self.pick("2,127.0.0.1,@%d,16",
                               "10,::ffff:127.0.0.1,@%d,28") % slot)
            self.do_receive()
        self.add("getsockopt", slot, IPPROTO_IPV6, IPV6_V6ONLY, self.out(4))

    def do_label(self):
        """A flow label that is leased, and sent with"""
        slot = self.one_of_6()
        self.add("setsockopt", slot, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR,
                 self.flow_label(), 32)
        self.add("setsockopt", slot, IPPROTO_IPV6, IPV6_FLOWINFO_SEND,
                 hexed(self.pick(0, 1, 1)), 4)
        ip = self.pick("::1", "::1", "fd00::1")
        name = "10,%s,@%d,28,0,%#x" % (ip, self.slot(),
                                       self.pick(0x12345, 0x12345, 0xfffff))
        if self.chance(40):
            self.add("connect", slot, name)
            self.add("getpeername", slot, self.out())
        else:
            self.add("sendto", slot, "o,%d" % self.any(LENGTHS), 0, name)
        self.do_receive()

    def do_give(self):
        """A descriptor is sent and received, by the same process or another"""
        old, new = self.slot(), self.new_slot()
        if new is None:
            return
        self.add("give", old)
        if self.forked and self.chance(50):
            self.actor = 1 - self.actor
        self.add("take", new)
        self.sees[self.actor].add(new)
        self.same_family(old, new)
        if old in self.slots:
            self.slots[new] = self.slots[old]

    def do_addrform(self):
        """A socket of AF_INET6 that becomes one of AF_INET"""
        slot = self.one_of_6()
        if self.chance(80):
            self.add("connect", slot, "10,::ffff:127.0.0.1,@%d,28" %
                     self.slot())
        self.add("setsockopt", slot, IPPROTO_IPV6, IPV6_ADDRFORM, hexed(2), 4)
        self.add(self.pick("getsockname", "getpeername"), slot, self.out())
        self.add("getsockopt", slot, SOL_SOCKET, 39, "o,4")

    def do_fragments(self):
        slot = self.one_of_6()
        if not self.is_6(slot) or self.chance(20):
            Script.do_fragments(self)
            return
        name, value = self.pick(
            (IPV6_MTU_DISCOVER, self.pick(0, 1, 2, 3, 4, 5)),
            (IPV6_DONTFRAG, 1), (IPV6_DONTFRAG, 1),
            (IPV6_MTU, self.pick(1280, 1500, 9000)))
        self.add("setsockopt", slot, IPPROTO_IPV6, name, hexed(value), 4)
        self.add("sendto", slot, "o,%d" % self.pick(
            1200, 1216, 1232, 1233, 1436, 1452, 1453, 2000, 2928, 9000), 0,
            self.peer_name(slot))
        self.add("getsockopt", slot, IPPROTO_IPV6,
                 self.pick(IPV6_MTU, IPV6_PATHMTU), "o,%d" % self.pick(4, 32))
        self.do_receive()

    def do_getsockopt(self):
        if self.chance(70) or not self.is_6(self.one_of_6()):
            Script.do_getsockopt(self)
            return
        name = self.pick(IPV6_MTU, IPV6_PATHMTU, IPV6_V6ONLY, IPV6_FLAGS[0],
                         self.any(IPV6_FLAGS), self.any(IPV6_NUMBERS), 61, 6)
        self.add("getsockopt", self.one_of_6(), IPPROTO_IPV6, name,
                 self.out(self.pick(4, 4, 4, 8, 20, 32, 100)))

    def do_shared(self):
        option = self.pick(SO_REUSEADDR, SO_REUSEADDR, SO_REUSEPORT)
        port = self.any(PORTS)
        ips = list(SHARED)
        self.rnd.shuffle(ips)
        for ip in ips[:self.pick(2, 2, 3)]:
            slot = self.new_slot()
            if slot is None:
                return
            self.families[slot] = AF_INET6 if is_in6(ip) else AF_INET
            self.add("socket", slot, SOCK_NONBLOCK, "own",
                     *([AF_INET6] if is_in6(ip) else []))
            self.sees[self.actor].add(slot)
            if self.chance(90):
                self.add("setsockopt", slot, SOL_SOCKET, option, hexed(1), 4)
            if is_in6(ip) and self.chance(30):
                self.add("setsockopt", slot, IPPROTO_IPV6, IPV6_V6ONLY,
                         hexed(self.pick(0, 1)), 4)
            self.add("bind", slot, "10,%s,%d,28,%d,0" % (
                ip, port, LO if is_scoped(ip) else 0) if is_in6(ip)
                else "2,%s,%d,16" % (ip, port))
            self.slots[slot] = ip

    CALLS = Script.CALLS + [("group", 1.5), ("only", 1.5), ("label", 0.7),
                            ("addrform", 0.5), ("refused", 1.5),
                            ("taken", 0.5), ("fragments", 0.7), ("give", 2)]
    PLAYS = [play for play, _ in CALLS]
    ODDS = [odds for _, odds in CALLS]


def net_of(seed, number):
    """Half of a seed's scripts are of AF_INET alone"""
    if number % 2 == 0:
        return "4"
    rnd = random.Random("%s/%d/net" % (seed, number))
    return rnd.choices(NETS[1:], (70, 6, 14, 10))[0]


def script_of(seed, number, shares=False, net=None, lite=False):
    """With @lite its sockets are UDP-Lite, and few calls are such that the comparison
    ends there"""
    net = net or net_of(seed, number)
    script = (Script(seed, number, shares) if net == "4" else
              Script6(seed, number, shares, net))
    script.lite = lite
    return script.make()
