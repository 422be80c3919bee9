# SPDX-License-Identifier: MIT
"""script.py - random scripts of socket calls, from a seed

A script is a list of steps, a step is a line of words:

    actor call argument...

"give" sends a socket by SCM_RIGHTS and "take" receives it.

Actor 0 is there from the start; "fork" makes actor 1 of it, with a copy of all
descriptors. Sockets are in numbered slots. An argument is

    a name          family,ip,port,length or kind,length; port @2: of slot 2
                    of IPv6, with scope and flow behind the length if not 0
    bytes           kind,length
    room for one    kind,length or kind,kind (no place for the length either)
    iovecs          [kind]length,... or xNUMBER, of one byte each, or -
    control         level:type:hex[:cmsg_len];...[=length] or - or !kind,length

where a kind is o for a good pointer, N for NULL, O for one into the first page,
B for -1, K for the kernel's half, P for a page that can't be accessed.

Scripts are weighted so that sockets are mostly bound, connected and have
something queued, and calls mostly have one fault at most.
"""
import random
import struct

SLOTS = 16
BAD = "NOBKP"

SOL_SOCKET, IPPROTO_IP, IPPROTO_UDP = 1, 0, 17

SO_REUSEADDR, SO_BROADCAST, SO_SNDBUF, SO_RCVBUF = 2, 6, 7, 8
SO_NO_CHECK, SO_LINGER, SO_REUSEPORT = 11, 13, 15
SO_RCVTIMEO, SO_SNDTIMEO, SO_BINDTODEVICE = 20, 21, 25
SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_TIMESTAMPING = 26, 27, 37
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33
SO_RXQ_OVFL, SO_PEEK_OFF, SO_LOCK_FILTER, SO_INCOMING_CPU = 40, 42, 44, 49
SO_ATTACH_REUSEPORT_CBPF, SO_MEMINFO, SO_ZEROCOPY = 51, 55, 60
SO_TXTIME, SO_BINDTOIFINDEX = 61, 62
SO_TIMESTAMPING_NEW, SO_RCVTIMEO_NEW, SO_SNDTIMEO_NEW = 65, 66, 67
TIMEOUTS = {SO_RCVTIMEO, SO_SNDTIMEO, SO_RCVTIMEO_NEW, SO_SNDTIMEO_NEW}
LAST_SO = 90

UDP_SEGMENT, UDP_GRO = 103, 104
UDPLITE_SEND_CSCOV, UDPLITE_RECV_CSCOV = 10, 11
IP_OPTIONS, IP_MTU_DISCOVER, IP_RECVERR, IP_MULTICAST_IF = 4, 10, 11, 32
IP_UNICAST_IF, IP_LOCAL_PORT_RANGE = 50, 51
LAST_IP = 53

MSG_PEEK, MSG_TRUNC, MSG_DONTWAIT, MSG_ERRQUEUE = 0x2, 0x20, 0x40, 0x2000
MSG_MORE, MSG_WAITFORONE = 0x8000, 0x10000

SOCK_NONBLOCK, SOCK_CLOEXEC = 0o4000, 0o2000000

FLAG_OPTIONS = [1, 2, 5, 6, 9, 10, 15, 16, 29, 34, 35, 40, 45, 63, 64, 69,
                75, 76, 82, 83]
IP_FLAGS = [6, 7, 8, 11, 12, 13, 15, 18, 19, 20, 22, 23, 24, 25, 26, 34, 49]

LENGTHS = [0, 1, 2, 8, 16, 17, 64, 100, 100, 100, 500, 1000]
EDGES = [1400, 1456, 1457, 1472, 1473, 2032, 2033, 2047, 2048, 2049, 2064,
         4096, 9000, 32768, 65000, 65475, 65476, 65490, 65491]
BEYOND = [65508, 65509, 65535, 65536, 70000, 0x7fffffff, 0x80000000,
          0xffffffff, 0x7fffffffffffffff, 0xffffffffffffffff]
AT_LIMIT = [65492, 65499, 65506, 65507]

ADDRESSES = ["127.0.0.1"] * 9 + ["0.0.0.0"] * 4 + [
    "127.0.0.2", "10.1.0.1", "10.1.0.255", "127.255.255.255", "224.1.1.1",
    "239.2.3.4", "255.255.255.255", "10.9.1.1", "8.8.8.8", "240.0.0.1",
    "0.0.0.1"]
PORTS = [2000, 2001, 2002, 2003, 7, 9, 1023, 1024, 65535]


def hexed(*values, form="i"):
    return struct.pack("<%d%s" % (len(values), form), *values).hex() or "-"


def ip_hex(ip):
    return bytes(int(part) for part in ip.split(".")).hex()


def insn(code, jt, jf, k):
    return struct.pack("<HBBI", code, jt, jf, k & 0xffffffff).hex()


RET = 0x06
FILTERS = [
    "f:" + insn(RET, 0, 0, 0xffffffff),
    "f:" + insn(RET, 0, 0, 0),
    "f:" + insn(RET, 0, 0, 8),
    "f:" + insn(RET, 0, 0, 20),
    # whose length is over 60 bytes, header included
    "f:" + insn(0x80, 0, 0, 0) + insn(0x25, 1, 0, 60) +
    insn(RET, 0, 0, 0) + insn(RET, 0, 0, 0xffffffff),
    # whose first byte of payload is odd
    "f:" + insn(0x30, 0, 0, 8) + insn(0x45, 1, 0, 1) +
    insn(RET, 0, 0, 0) + insn(RET, 0, 0, 0xffffffff),
    # from port 2000
    "f:" + insn(0x28, 0, 0, 0) + insn(0x15, 1, 0, 2000) +
    insn(RET, 0, 0, 0) + insn(RET, 0, 0, 0xffffffff),
    "f:" + insn(0x28, 0, 0, 0),  # without an end
    "f:",
]


class Script:
    """One random script, of AF_INET alone; script6.py has the others"""

    net = "4"  # what the network is to be like: NETS in script6.py

    EDGES, BEYOND, AT_LIMIT = EDGES, BEYOND, AT_LIMIT
    ROOMS = [1456, 1472, 2031, 2032, 2047, 2048, 2049, 2100, 9000, 65491,
             65507, 65536, 70000]

    def __init__(self, seed, number, shares=False):
        self.rnd = random.Random("%s/%d" % (seed, number))
        self.number = number
        self.steps = []
        self.slots = {}  # slot: where it is bound to
        self.sees = [set(), set()]  # of each actor: its slots
        self.closed = set()
        self.epolls = 0
        self.actor, self.forked = 0, False
        self.mtu = 65536 if self.chance(70) else 1500
        self.rights = 1 if self.chance(80) else 0
        self.shares = shares  # ports
        self.lite = False

    # ---- odds ------------------------------------------------------------------

    def chance(self, percent):
        return self.rnd.random() * 100 < percent

    def pick(self, *choices):
        return self.rnd.choice(choices)

    def any(self, choices):
        return self.rnd.choice(choices)

    def add(self, call, *words):
        self.steps.append(" ".join([str(self.actor), call] +
                                   [str(word) for word in words]))

    # ---- arguments ---------------------------------------------------------------

    def slot(self, bound=False):
        """One of the actor's sockets, or at times none"""
        seen = sorted(self.sees[self.actor])
        if bound:
            seen = [s for s in seen if s in self.slots] or seen
        if not seen or self.chance(2):
            return self.rnd.randrange(SLOTS)
        return self.any(seen)

    def new_slot(self):
        free = [s for s in range(SLOTS)
                if s not in self.sees[0] and s not in self.sees[1]]
        return free[0] if free else None

    def length(self):
        """Of a datagram"""
        odds = self.rnd.random()
        if odds < 0.75:
            return self.any(LENGTHS)
        if odds < 0.95:
            return self.any(self.EDGES)
        if odds < 0.998:
            return self.any(self.BEYOND)
        return self.any(self.AT_LIMIT)

    def name_length(self):
        if self.chance(94):
            return 16
        return self.pick(0, 1, 2, 3, 4, 8, 15, 17, 28, 128, 129, 256,
                         0x7fffffff, 0x80000000, 0xffffffff)

    def family(self):
        return 2 if self.chance(96) else self.pick(0, 1, 10, 16, 255, 65535)

    def bad_name(self):
        return "%s,%d" % (self.any(BAD), self.name_length())

    def bind_name(self, slot):
        if self.chance(3):
            return self.bad_name()
        port = 0 if self.chance(60) else self.any(PORTS)
        if self.chance(4):
            port = "@%d" % self.slot()
        return "%d,%s,%s,%d" % (self.family(), self.any(ADDRESSES), port,
                                self.name_length())

    def peer_name(self, slot):
        """For a socket: mostly that of a bound one"""
        if self.chance(3):
            return self.bad_name()
        targets = sorted(self.slots)
        if targets and self.chance(90):
            to = self.any(targets)
            ip, port = self.slots[to], "@%d" % to
            if ip == "0.0.0.0" or self.chance(8):
                ip = self.any(ADDRESSES)
        else:
            ip, port = self.any(ADDRESSES), self.any(PORTS + [0])
        return "%d,%s,%s,%d" % (self.family(), ip, port, self.name_length())

    def out(self, size=16):
        """Room for a name or a value"""
        kind = "o" if self.chance(95) else self.any(BAD)
        if self.chance(4):
            return "%s,%s" % (kind, self.any(BAD))
        if self.chance(15):
            size = self.pick(0, 1, 2, 3, 4, 7, 8, 12, 15, 17, 100, 128, 200,
                             0x7fffffff, 0x80000000, 0xffffffff)
        return "%s,%d" % (kind, size)

    def data(self):
        kind = "o" if self.chance(97) else self.any(BAD)
        return "%s,%d" % (kind, self.length())

    def send_flags(self):
        if self.chance(60):
            return self.pick(0, 0, MSG_DONTWAIT)
        if self.chance(35):
            return 0 if self.lite and self.chance(95) else MSG_MORE
        return hex(self.pick(0x40, 0x4000, 0x800, 0x4, 0x4044, 0x1, 0x80, 0x10,
                             0x20, 0x2, 0x2000, 0x10000, 0x40000, 0x4000000,
                             0x20000000, 0x80000000, 1 << self.any(range(32))))

    def receive_flags(self):
        if self.chance(12):
            return hex(MSG_ERRQUEUE | self.pick(0, MSG_DONTWAIT, MSG_TRUNC))
        flags = self.pick(0, 0, 0, 0, MSG_PEEK, MSG_TRUNC, MSG_PEEK | MSG_TRUNC)
        if self.chance(94):
            flags |= MSG_DONTWAIT
        if self.chance(10):
            flags |= self.pick(0x1, 0x4, 0x8, 0x80, 0x100, MSG_WAITFORONE,
                               0x40000000, 0x80000000,
                               1 << self.any(range(32)))
        return hex(flags)

    def iovecs(self, length):
        odds = self.rnd.random()
        if odds < 0.5:
            return str(length)
        if odds < 0.55:
            return "-"
        if odds < 0.58:
            return "x%d" % self.pick(1, 2, 16, 63, 64, 65, 100, 1023, 1024,
                                     1025)
        if odds < 0.60:
            return "!%s%d" % (self.any(BAD), self.pick(0, 1, 2, 1025))
        parts = [length]
        for _ in range(self.rnd.randrange(1, 5)):
            cut = self.rnd.randrange(parts[-1] + 1) if parts[-1] < 1 << 20 else 0
            parts[-1:] = [cut, parts[-1] - cut]
        parts = [str(part) for part in parts]
        if self.chance(6):
            parts.insert(self.rnd.randrange(len(parts) + 1),
                         self.any(BAD) + self.pick("0", "1", "100"))
        return ",".join(parts)

    def one_control(self):
        ip = ip_hex(self.any(ADDRESSES))
        num = hexed(self.pick(0, 1, 3, 64, 255, 256, -1))
        return self.pick(
            "0:8:" + hexed(self.pick(0, 1, 99)) + "00000000" + ip,  # PKTINFO
            "0:8:" + hexed(self.pick(0, 1)) + ip + "00000000",
            "0:2:" + num, "0:1:" + num, "0:1:" + self.pick("00", "10", "ff"),
            "0:7:" + self.pick("", "01010101", "070b08" + "00" * 8 + "00"),
            "0:4:01010101",
            "1:36:" + num,  # SO_MARK
            "1:61:" + hexed(self.pick(0, 1), form="q"),  # SCM_TXTIME
            "1:1:" + hexed(0), "1:2:" + hexed(1, 0, 0),  # RIGHTS, CREDENTIALS
            "1:37:" + hexed(self.pick(0, 0x2, 0x8, 0x10, 0x80)),
            "1:%d:%s" % (self.rnd.randrange(LAST_SO), num),
            "0:%d:%s" % (self.rnd.randrange(LAST_IP), num),
            "17:103:" + hexed(self.pick(0, 8, 50, 100, 1000), form="H"),
            "41:50:" + num, "6:1:" + num)

    def control(self):
        if self.chance(70):
            return "-"
        if self.chance(4):
            return "!%s,%d" % (self.any(BAD), self.pick(0, 1, 16, 24, 1000,
                                                        1 << 31, 1 << 40))
        parts = [self.one_control() for _ in range(self.pick(1, 1, 1, 2, 3))]
        if self.chance(8):
            parts[-1] += ":%d" % self.pick(0, 1, 15, 16, 17, 19, 24, 1000,
                                           0xffffffffffff)
        text = ";".join(parts)
        if self.chance(6):
            text += "=%d" % self.pick(0, 1, 8, 15, 16, 17, 20, 24, 4000,
                                      1 << 20, 1 << 32)
        return text

    def message_flags(self):
        return self.pick(0, 0, 0, 0x20, 0xffffffff) if self.chance(20) else 0

    def message_out(self, slot):
        named = "N,0" if self.chance(20) else self.peer_name(slot)
        return "%s %s %s %d" % (named, self.iovecs(self.length()),
                                self.control(), self.message_flags())

    def room_length(self):
        if self.chance(70):
            return self.pick(0, 1, 8, 50, 100, 100, 100, 500, 1000)
        return self.any(self.ROOMS)

    def name_room(self):
        return self.pick(16, 16, 16, 128, 0, 1, 2, 8, 15, 200)

    def message_in(self):
        named = "o,%d" % self.name_room()
        if self.chance(12):
            named = self.pick("N,0", "N,16", "B,16", "K,16", "o,2147483648",
                              "o,4294967295", "B,0")
        control = "o,%d" % self.pick(200, 200, 1000, 1000, 0, 1, 16, 24, 30, 40)
        if self.chance(6):
            control = self.pick("N,0", "N,100", "B,100", "K,100", "B,0")
        return "%s %s %s %d" % (named, self.iovecs(self.room_length()),
                                control, self.message_flags())

    # ---- calls -------------------------------------------------------------------

    def new_family(self, slot):
        """Of a new socket: a word, or none for AF_INET"""
        return []

    def do_socket(self):
        slot = self.new_slot()
        if slot is None:
            return
        flags = self.pick(0, SOCK_NONBLOCK, SOCK_NONBLOCK, SOCK_CLOEXEC,
                          SOCK_CLOEXEC | SOCK_NONBLOCK)
        if self.chance(3):
            flags = self.pick(1 << 4, 1 << 8, 1 << 30, 0x4000)
            self.add("socket", slot, flags, self.pick("own", 0),
                     *self.new_family(slot))
            return
        if self.chance(3):
            self.add("socket", slot, flags, self.pick(-1, 6, 99, 255, 256, 262),
                     *self.new_family(slot))
            return
        self.add("socket", slot, flags,
                 "own" if self.lite and self.chance(98) else
                 self.pick("own", "own", 0), *self.new_family(slot))
        self.sees[self.actor].add(slot)
        self.closed.discard(slot)

    def do_bind(self):
        slot = self.slot()
        name = self.bind_name(slot)
        self.add("bind", slot, name)
        parts = name.split(",")
        if len(parts) == 4 and slot not in self.slots:
            self.slots[slot] = parts[1]

    def bind_well(self, slot):
        ip = self.pick("127.0.0.1", "127.0.0.1", "127.0.0.1", "0.0.0.0",
                       "10.1.0.1")
        self.add("bind", slot, "2,%s,%s,16" % (
            ip, 0 if self.chance(80) else 2000 + slot))
        self.slots[slot] = ip

    def do_connect(self):
        slot = self.slot()
        if self.chance(18):
            self.add("connect", slot, "0,0.0.0.0,0,%d" %
                     self.pick(16, 16, 16, 2, 1, 0, 128, 129))
            return
        self.add("connect", slot, self.peer_name(slot))
        self.slots.setdefault(slot, "127.0.0.1")

    def connect_well(self, slot):
        self.add("connect", slot, "2,127.0.0.1,@%d,16" %
                 self.any(sorted(self.slots) or [0]))

    def do_names(self):
        self.add(self.pick("getsockname", "getsockname", "getpeername"),
                 self.slot(), self.out())

    def do_shutdown(self):
        self.add("shutdown", self.slot(), self.pick(0, 1, 2, 2, 3, -1))

    def do_odd(self):
        odds = self.rnd.randrange(4)
        if odds == 0:
            self.add("listen", self.slot(), self.pick(0, 5, -1))
        elif odds == 1:
            self.add("accept", self.slot(), self.out())
        elif odds == 2:
            self.add("accept", self.slot(), self.out(),
                     self.pick(0, SOCK_NONBLOCK, 1))
        else:
            self.add("socketpair", self.pick(0, SOCK_CLOEXEC, 16),
                     *self.new_family(None))

    def do_close(self):
        slot = self.slot()
        self.add("close", slot)
        if self.chance(80):
            self.sees[self.actor].discard(slot)
            if slot not in self.sees[0] | self.sees[1]:
                self.slots.pop(slot, None)

    def same_family(self, old, new):
        """A slot has the socket of another one now"""

    def do_dup(self):
        old, new = self.slot(), self.new_slot()
        if new is None:
            return
        odds = self.rnd.randrange(4)
        if odds == 0:
            self.add("dup", old, new)
        elif odds == 1:
            self.add("fcntl", old, self.pick(0, 1030),
                     self.pick(0, 3, 10, 50, -1), new)
        else:
            new = self.slot()
            if odds == 2:
                self.add("dup2", old, new)
            else:
                self.add("dup3", old, new,
                         self.pick(0, SOCK_CLOEXEC, SOCK_NONBLOCK, 1))
            self.same_family(old, new)
            return
        self.sees[self.actor].add(new)
        self.same_family(old, new)
        if old in self.slots:
            self.slots[new] = self.slots[old]

    def do_fcntl(self):
        cmd, value = self.pick((1, 0), (3, 0), (2, 1), (2, 0), (4, 0),
                               (4, 0o4000), (4, 0o4000), (4, 0o20000),
                               (4, 0o2000), (9, 0), (10, 0), (11, 0), (5, 0),
                               (1031, 4096), (1032, 0), (1024, 0), (77, 0),
                               (1033, 0), (1034, 0), (16, 0))
        self.add("fcntl", self.slot(), cmd, value)

    def do_fork(self):
        if self.forked or self.actor:
            return
        self.add("fork")
        self.forked = True
        self.sees[1] = set(self.sees[0])

    def destination(self, slot):
        """A name for sendto"""
        return "N,0" if self.chance(10) else self.peer_name(slot)

    def do_send(self):
        odds = self.rnd.randrange(100)
        slot = self.slot()
        if odds < 45:
            self.add("sendto", slot, self.data(), self.send_flags(),
                     self.destination(slot))
        elif odds < 60:
            self.add("send", slot, self.data(), self.send_flags())
        elif odds < 66:
            self.add("write", slot, self.data())
        elif odds < 72:
            self.add("writev", slot, self.iovecs(self.length()), *(
                [self.pick(0, 0, 1, 2, 4, 8, 16, 32, 64, 0x100)]
                if self.chance(30) else []))
        elif odds < 88:
            self.do_sendmsg(slot)
        else:
            self.do_sendmmsg(slot)

    def do_sendmsg(self, slot):
        if self.chance(3):
            self.add("sendmsg", slot, self.send_flags(), self.any(BAD))
        else:
            self.add("sendmsg", slot, self.send_flags(), self.message_out(slot))

    def alike(self, slot):
        """Datagrams that the library may give to the kernel as one send: to one
        destination and of one length, but for some of them"""
        named = "N,0" if self.chance(30) else self.peer_name(slot)
        length = self.pick(*LENGTHS) if self.chance(80) else self.length()
        messages = ["%s %d - 0" % (named, length)
                    for _ in range(self.pick(4, 5, 8, 12, 16, 16))]
        if self.chance(40):
            messages[-1] = "%s %d - 0" % (named,
                                          self.rnd.randrange(length + 1))
        while self.chance(25):
            messages[self.rnd.randrange(len(messages))] = (
                self.message_out(slot))
        return messages

    def do_sendmmsg(self, slot):
        if self.chance(40):
            messages = self.alike(slot)
            self.add("sendmmsg", slot, len(messages), self.send_flags(), "o",
                     *messages)
            return
        many = self.pick(0, 1, 1, 2, 2, 3, 3, 4, 8)
        asked = many if self.chance(95) else self.pick(0, 1, 1025, 0xffffffff)
        kind = "o" if self.chance(96) else self.any(BAD)
        if asked > many:
            kind = self.any(BAD)
        self.add("sendmmsg", slot, asked, self.send_flags(), kind,
                 *[self.message_out(slot) for _ in range(many)])

    def do_receive(self, slot=None):
        odds = self.rnd.randrange(100)
        if slot is None:
            slot = self.slot(bound=True)
        if odds < 30:
            self.add("recvfrom", slot, self.buffer(), self.receive_flags(),
                     self.out())
        elif odds < 45:
            self.add("recv", slot, self.buffer(), self.receive_flags())
        elif odds < 50:
            self.add("read", slot, self.buffer())
        elif odds < 55:
            self.add("readv", slot, self.iovecs(self.room_length()), *(
                [self.pick(0, 8, 8, 8, 1, 2, 4, 16, 32)]
                if self.chance(60) else []))
        elif odds < 85:
            self.do_recvmsg(slot)
        else:
            self.do_recvmmsg(slot)

    def buffer(self):
        kind = "o" if self.chance(97) else self.any(BAD)
        return "%s,%d" % (kind, self.room_length())

    def do_recvmsg(self, slot):
        if self.chance(3):
            self.add("recvmsg", slot, self.receive_flags(), self.any(BAD))
        else:
            self.add("recvmsg", slot, self.receive_flags(), self.message_in())

    def rooms_alike(self):
        """Messages that the library may receive by one call of the kernel"""
        room = self.pick(100, 1000, 2048, 65507, 65536, 70000)
        named = self.pick("N,0", "o,28", "o,128")
        control = "o,%d" % self.pick(0, 40, 200, 1000)
        return ["%s %s %s 0" % (
            named, room if self.chance(90) else self.iovecs(room), control)
            for _ in range(self.pick(2, 3, 4, 8, 8, 16))]

    def do_recvmmsg(self, slot):
        if self.chance(30):
            messages = self.rooms_alike()
            if self.chance(25):
                messages[self.rnd.randrange(len(messages))] = self.message_in()
            flags = MSG_DONTWAIT | self.pick(0, 0, 0, MSG_WAITFORONE, MSG_PEEK,
                                             MSG_TRUNC)
            self.add("recvmmsg", slot, len(messages), hex(flags), "-", "o",
                     *messages)
            return
        many = self.pick(0, 1, 1, 2, 2, 3, 3, 4, 8)
        asked = many if self.chance(96) else self.pick(0, 1)
        kind = "o" if self.chance(96) else self.any(BAD)
        timeout = self.pick("-", "-", "10.0", "10.0", "0.0")
        if self.chance(10):
            timeout = self.pick("B", "K", "0.2000000000", "-1.0", "1.-1",
                                "0.1000000000")
        self.add("recvmmsg", slot, min(asked, many), self.receive_flags(),
                 timeout, kind, *[self.message_in() for _ in range(many)])

    # ---- options -----------------------------------------------------------------

    def option_length(self, right):
        if self.chance(92):
            return right
        return self.pick(0, 1, 2, 3, 4, 5, 7, 8, 12, 16, 100, 1000, -1,
                         0x7fffffff, -0x80000000)

    def number_value(self):
        if self.chance(60):
            return self.pick(0, 1)
        return self.pick(2, 3, 7, 63, 64, 127, 128, 255, 256, -1, 1000, 65535,
                         65536, 0x7fffffff, -0x80000000)

    def so_value(self, name):
        """A value for it, as hex"""
        if name in TIMEOUTS:
            return hexed(*self.pick((0, 1000), (0, 2000), (-1, 0), (0, 1000000),
                                    (0, -1)), form="q")
        if name == SO_LINGER:
            return hexed(self.pick(0, 1, 2), self.pick(0, 1, -1))
        if name == SO_BINDTODEVICE:
            return self.pick(b"lo\0", b"lo", b"", b"nodev0\0",
                             b"0123456789abcdefgh").hex() or "-"
        if name in (SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF):
            return self.any(FILTERS)
        if name in (SO_TIMESTAMPING, SO_TIMESTAMPING_NEW):
            return hexed(self.pick(0, 0x8, 0x10, 0x18, 0x2, 0x12, 0x92, 0x892,
                                   0x812, -1))
        if name == SO_TXTIME:
            return hexed(self.pick(0, 1, 11), self.pick(0, 1, 2, 7))
        if name in (SO_SNDBUF, SO_RCVBUF, SO_SNDBUFFORCE, SO_RCVBUFFORCE):
            return hexed(self.pick(100000, 200000, 1 << 20, 0x7fffffff, -1,
                                   70000))
        if name == SO_INCOMING_CPU:  # no processor of this machine
            return hexed(self.number_value() | 1 << 12)
        if name == SO_BINDTOIFINDEX:
            return hexed(self.pick(0, 1, 1, 99, -1))
        return hexed(self.number_value())

    def so_length(self, name, value):
        if name in (SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF):
            return self.option_length(16)
        if name in TIMEOUTS:
            return self.option_length(16)
        return self.option_length(len(value) // 2)

    def ip_value(self, name):
        group = ip_hex(self.pick("224.1.1.1", "224.1.1.1", "239.2.3.4",
                                 "127.0.0.1"))
        local = ip_hex(self.pick("127.0.0.1", "127.0.0.1", "10.1.0.1",
                                 "0.0.0.0", "8.8.8.8"))
        source = ip_hex(self.pick("127.0.0.1", "10.1.0.1"))
        index = hexed(self.pick(0, 1, 1, 99))
        if name == IP_OPTIONS:
            return self.pick("-", "01010101", "01", "070b08" + "00" * 9,
                             "44080501" + "00" * 4, "94040000", "83" * 4,
                             "01" * 44)
        if name == IP_MULTICAST_IF:
            return self.pick(local, "00000000" + local + index, local)
        if name in (35, 36):
            return self.pick(group + local, group + local + index,
                             group + "00000000" + index)
        if name in (37, 38, 39, 40):
            return group + local + source
        if name == 41:
            return group + local + hexed(self.pick(0, 1), 1) + source
        if name in (42, 45):
            return index + "00000000" + "02000000" + group + "00" * 120
        if name in (43, 44, 46, 47):
            return (index + "00000000" + "02000000" + group + "00" * 120 +
                    "02000000" + source + "00" * 120)
        if name == IP_UNICAST_IF:
            return struct.pack(">i", self.pick(0, 1, 1, 99)).hex()
        if name == IP_LOCAL_PORT_RANGE:
            return struct.pack("<HH", *self.pick(
                (0, 0), (40000, 40020), (40000, 40000), (40001, 40000),
                (0, 40000), (40000, 0), (1, 5), (60999, 65535))).hex()
        if name == IP_MTU_DISCOVER:
            return hexed(self.pick(0, 1, 2, 3, 4, 5, 6, -1))
        if name in IP_FLAGS:
            return hexed(self.pick(0, 1, 1, 1, 2))
        return self.pick(hexed(self.number_value()),
                         hexed(self.number_value()), "01")

    def option(self):
        """Level and name"""
        odds = self.rnd.random()
        if odds < 0.25:
            return SOL_SOCKET, self.any(FLAG_OPTIONS)
        if odds < 0.50:
            return SOL_SOCKET, self.rnd.randrange(LAST_SO)
        if odds < 0.70:
            return IPPROTO_IP, self.any(IP_FLAGS)
        if odds < 0.95:
            return IPPROTO_IP, self.rnd.randrange(LAST_IP)
        if odds < 0.98:
            return IPPROTO_UDP, self.pick(1, 1, 1, 1, 100, 101, 102, 103, 104,
                                          104, 0, 99)
        return self.pick(6, 41, 58, 132, 255, 263, -1), self.any(range(40))

    def value(self, level, name):
        """Of any level but SOL_SOCKET"""
        if level == IPPROTO_IP:
            return self.ip_value(name)
        return hexed(self.number_value())

    def do_setsockopt(self):
        level, name = self.option()
        if level == SOL_SOCKET:
            value = self.so_value(name)
            length = self.so_length(name, value)
        else:
            value = self.value(level, name)
            length = self.option_length(len(value) // 2)
        if self.chance(3) and length:
            value = "!" + self.any(BAD)
        self.add("setsockopt", self.slot(), level, name, value, length)

    def set_well(self, slot):
        """An option that receivers and senders are interested in"""
        if self.chance(8):
            self.add("setsockopt", slot, IPPROTO_UDP, 103,
                     hexed(self.pick(0, 8, 50, 100, 1000, 1440, 1456)), 4)
            return
        if self.chance(8):
            self.add("setsockopt", slot, IPPROTO_UDP, UDP_GRO, hexed(1), 4)
            return
        level, name = self.pick((0, 8), (0, 11), (0, 11), (0, 12), (0, 13),
                                (0, 20), (0, 7), (1, 29), (1, 35), (1, 40),
                                (1, 6), (1, 6), (0, 49))
        self.add("setsockopt", slot, level, name, hexed(1), 4)

    # ---- several calls that belong together --------------------------------------

    def do_group(self):
        """A multicast group is joined, sent to, and received from"""
        slot = self.slot()
        group = self.pick("224.1.1.1", "239.2.3.4")
        join = ip_hex(group) + ip_hex(self.pick("127.0.0.1", "10.1.0.1"))
        self.add("setsockopt", slot, 0, self.pick(35, 35, 35, 36), join, 8)
        for _ in range(self.pick(0, 1, 1, 2)):
            name, value = self.pick((32, ip_hex("127.0.0.1")),
                                    (32, ip_hex("10.1.0.1")), (33, hexed(0)),
                                    (33, hexed(3)), (34, hexed(0)),
                                    (49, hexed(0)), (49, hexed(1)))
            self.add("setsockopt", self.slot(), 0, name, value, 4)
        self.add("sendto", self.slot(), "o,%d" % self.any(LENGTHS), 0,
                 "2,%s,@%d,16" % (group, slot))
        self.do_receive()

    def do_filter(self):
        """A filter of the program's own, and what comes through it"""
        slot = self.slot()
        self.add("setsockopt", slot, 1, SO_ATTACH_FILTER, self.any(FILTERS), 16)
        for _ in range(self.pick(1, 2)):
            self.do_send()
        self.do_receive()
        if self.chance(40):
            self.add("setsockopt", slot, 1,
                     self.pick(SO_DETACH_FILTER, SO_LOCK_FILTER), hexed(1), 4)
        if self.chance(30):
            self.add("getsockopt", slot, 1, SO_ATTACH_FILTER, self.out(100))

    def do_coverage(self):
        """How much of a datagram the checksum of UDP-Lite covers, and what comes"""
        slot, level = self.slot(), self.pick(136, 136, 136, IPPROTO_UDP)
        name = self.pick(UDPLITE_SEND_CSCOV, UDPLITE_RECV_CSCOV)
        value = hexed(self.pick(0, 1, 7, 8, 8, 9, 10, 12, 16, 24, 72, 108, 109,
                                1008, 65535, 65536, -1))
        self.add("setsockopt", slot, level, name, value, self.option_length(4))
        if self.chance(30):
            self.add("getsockopt", slot, level, name,
                     self.out(self.option_length(4)))
        for _ in range(self.pick(0, 1, 2)):
            self.do_send()
        if self.chance(50):
            self.do_receive()

    def do_cork(self):
        """A datagram in parts"""
        slot = self.slot()
        self.add("setsockopt", slot, 17, 1, hexed(1), 4)
        for _ in range(self.pick(1, 2, 3)):
            self.do_send()
        self.add("setsockopt", slot, 17, 1, hexed(self.pick(0, 0, 0, 1)), 4)
        self.do_receive()

    def name_at(self, slot, to):
        """By which a socket reaches another one, if it can"""
        ip = self.slots.get(to, "127.0.0.1")
        return "2,%s,@%d,16" % ("127.0.0.1" if ip == "0.0.0.0" else ip, to)

    def do_joined(self):
        """A send that is cut, and arrives joined"""
        receiver, sender = self.slot(bound=True), self.slot(bound=True)
        self.add("setsockopt", receiver, IPPROTO_UDP, UDP_GRO,
                 hexed(self.pick(1, 1, 1, 1, 1, 1, 0)), 4)
        self.add("setsockopt", sender, IPPROTO_UDP, UDP_SEGMENT,
                 hexed(self.pick(1, 8, 50, 100, 1000)), 4)
        for _ in range(self.pick(1, 2, 3)):
            length = self.pick(2, 60, 100, 350, 1000, 4096, 9000)
            name = self.name_at(sender, receiver)
            if self.chance(25):
                self.add("sendmsg", sender, 0, name, self.iovecs(length),
                         "17:103:" + hexed(self.pick(0, 1, 8, 50, 100, 1000),
                                           form="H"), 0)
            else:
                self.add("sendto", sender, "o,%d" % length, 0, name)
            if self.chance(30):
                self.do_receive(receiver)
        if self.chance(30):
            self.do_recvmmsg(receiver)
        for _ in range(self.pick(1, 2, 3)):
            self.do_receive(receiver)
        if self.chance(20):
            self.add("setsockopt", receiver, IPPROTO_UDP, UDP_GRO, hexed(0), 4)
            self.do_receive(receiver)

    def do_refused(self):
        """A peer that is not there, and how the error is told"""
        slot = self.slot()
        if self.chance(60):
            self.add("setsockopt", slot, 0, IP_RECVERR, hexed(1), 4)
        self.add("connect", slot, "2,%s,%d,16" % (
            self.pick("127.0.0.1", "127.0.0.1", "10.9.1.1", "8.8.8.8"),
            self.pick(9, 9, 7, 2003)))
        for _ in range(self.pick(1, 2, 3)):
            self.pick(self.do_send, self.do_receive, self.do_poll,
                      self.do_getsockopt, self.do_epoll)()
        if self.chance(50):
            self.add("getsockopt", slot, 1, 4, "o,4")

    def do_taken(self):
        """A port that another socket may hold"""
        port = self.pick(2000, 2001)
        for _ in range(2):
            slot = self.slot()
            if self.chance(30):
                self.add("setsockopt", slot, 1,
                         self.pick(SO_REUSEADDR, SO_REUSEPORT), hexed(1), 4)
            self.add("bind", slot, "2,%s,%d,16" % (self.any(ADDRESSES), port))

    def do_fragments(self):
        """Around what fits a frame, with what path MTU discovery there is"""
        slot = self.slot()
        self.add("setsockopt", slot, 0, IP_MTU_DISCOVER,
                 hexed(self.pick(0, 1, 2, 3, 4, 5)), 4)
        self.add("sendto", slot, "o,%d" % self.pick(
            1400, 1455, 1456, 1473, 1480, 2000, 2928, 9000), 0,
            self.peer_name(slot))
        self.add("getsockopt", slot, 0, 14, "o,4")
        self.do_receive()

    def do_getsockopt(self):
        level, name = self.option()
        if self.chance(20):
            level, name = self.pick((1, 4), (1, 4), (1, 4), (0, 14), (1, 7),
                                    (1, 8))
        self.add("getsockopt", self.slot(), level, name,
                 self.out(self.pick(4, 4, 4, 8, 16, 100)))

    def do_ioctl(self):
        cmd = self.pick(0x541b, 0x541b, 0x541b, 0x541b, 0x5411, 0x5421, 0x5452,
                        0x8905, 0x8906, 0x8907, 0x80108906, 0x80108907, 0x8901,
                        0x8902, 0x8903, 0x8904, 0x5450, 0x5451, 0x5401, 0x894b,
                        0x5460, 0x8980, 0, 0xffffffff)
        value = hexed(self.pick(0, 1))
        if cmd == 0x5421:
            value = hexed(1)
        if self.chance(5):
            value = "!" + self.any(BAD)
        self.add("ioctl", self.slot(bound=True), hex(cmd), value)

    # ---- waiting -----------------------------------------------------------------

    def do_shared(self):
        """Sockets that share a port. Which of a group of SO_REUSEPORT gets a
        datagram is at random, so those are at addresses of their own"""
        option = self.pick(SO_REUSEADDR, SO_REUSEADDR, SO_REUSEPORT)
        port = self.any(PORTS)
        ips = ["127.0.0.1", "0.0.0.0", "10.1.0.1", "224.1.1.1"]
        self.rnd.shuffle(ips)
        for ip in ips[:self.pick(2, 2, 3)]:
            slot = self.new_slot()
            if slot is None:
                return
            self.add("socket", slot, SOCK_NONBLOCK, "own")
            self.sees[self.actor].add(slot)
            if self.chance(90):
                self.add("setsockopt", slot, SOL_SOCKET, option, hexed(1), 4)
            if option == SO_REUSEADDR and self.chance(40):
                ip = "127.0.0.1"
            self.add("bind", slot, "2,%s,%d,16" % (ip, port))
            self.slots[slot] = ip

    def events(self):
        if self.chance(70):
            return self.pick(1, 1, 4, 5, 0x41, 0)
        return self.pick(2, 8, 0x10, 0x2000, 0x3fff, 0x7fff, 0x100, 0x104)

    def do_poll(self):
        slots = [self.slot() for _ in range(self.pick(0, 1, 1, 2, 3))]
        self.add(self.pick("poll", "poll", "ppoll"),
                 *["%d:%d" % (slot, self.events()) for slot in slots])

    def slot_list(self):
        slots = [self.slot() for _ in range(self.pick(0, 1, 2))]
        return ",".join(str(slot) for slot in slots) or "-"

    def do_select(self):
        self.add("select", self.slot_list(), self.slot_list(),
                 self.slot_list())

    def do_epoll(self):
        if not self.epolls:
            self.epolls = 1
            self.add("epoll_create", 0)
        if self.chance(55):
            self.add("epoll_wait", 0, self.pick(8, 8, 8, 8, 1, 0, -1))
            return
        events = self.events() | self.pick(0, 0, 1 << 31, 1 << 31, 1 << 30,
                                           1 << 28)
        self.add("epoll_ctl", 0, self.pick(1, 1, 1, 2, 3, 4), self.slot(),
                 hex(events))

    # ---- the whole ---------------------------------------------------------------

    CALLS = [
        ("socket", 2), ("bind", 5), ("connect", 8), ("names", 7),
        ("shutdown", 2), ("odd", 1), ("close", 2), ("dup", 2),
        ("fcntl", 2), ("fork", 2), ("send", 27), ("receive", 25),
        ("setsockopt", 14), ("getsockopt", 8), ("ioctl", 5), ("poll", 5),
        ("select", 2), ("epoll", 5), ("group", 1), ("filter", 1),
        ("cork", 1), ("joined", 2.5), ("refused", 2), ("taken", 0.5), ("fragments", 1),
    ]
    PLAYS = [play for play, _ in CALLS]
    ODDS = [odds for _, odds in CALLS]

    def begin(self):
        """A few sockets, mostly in good order"""
        for _ in range(self.pick(1, 2, 2, 3)):
            self.do_socket()
        for slot in sorted(self.sees[0]):
            if self.chance(80):
                self.bind_well(slot)
            if self.chance(35):
                self.connect_well(slot)
            while self.chance(40):
                self.set_well(slot)

    def make(self):
        plays, odds = self.PLAYS, self.ODDS
        if self.lite:
            plays = plays + ["coverage"]
            odds = [0.1 if play in ("cork", "filter") else often
                    for play, often in zip(plays, odds)] + [8]
        self.begin()
        whole = len(self.steps) + self.rnd.randrange(12, 50)
        while len(self.steps) < whole:
            if self.forked and self.chance(25):
                self.actor = 1 - self.actor
            if self.shares and self.chance(2):
                self.do_shared()
            play = self.rnd.choices(plays, odds)[0]
            getattr(self, "do_" + play)()
        return self


def text_of(number, mtu, rights, net, steps):
    return "script %d %d %d %s\n%s\nend\n" % (number, mtu, rights, net,
                                              "\n".join(steps))
