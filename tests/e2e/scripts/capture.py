# SPDX-License-Identifier: MIT
"""capture.py WHAT FAMILY FILE [SEED] - write a capture, byte by byte

WHAT is the name of a function below. FAMILY is inet or inet6. FILE is in pcap's format, with times in
microseconds. What is random depends on SEED alone, and is written as text to
FILE.txt as well where a test has to know it.
"""
import random
import struct
import sys

MAGIC = 0xC0B1
FIRST = 1
SIX = {"inet": False, "inet6": True}[sys.argv[2]]
NEAR4, FAR4 = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
NEAR6 = bytes.fromhex("20010db8000000000000000000000001")
FAR6 = bytes.fromhex("20010db8000000000000000000000002")
NEAR, FAR = (NEAR6, FAR6) if SIX else (NEAR4, FAR4)
OTHER_NEAR, OTHER_FAR = (NEAR4, FAR4) if SIX else (NEAR6, FAR6)
UDP, ICMP, ICMP6, FRAGMENT = 17, 1, 58, 44
ETHERTYPE = {4: 0x0800, 16: 0x86DD}
BEGIN = 1700000000 * 1000000  # of the capture, microseconds

QUERY = bytes.fromhex("123401000001000000000000") + \
    b"\3www\7example\3com\0\0\1\0\1"


# ---- layers -----------------------------------------------------------------

def cop(seq=0, payload=b"", version=1, words=4, flags=0, ports=(40000, 41000),
        tstamp=0, options=b""):
    return struct.pack("!HBBHHII", MAGIC, version << 4 | words, flags,
                       ports[0], ports[1], seq % (1 << 32),
                       tstamp % (1 << 32)) + options + payload


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def pseudo(source, dest, protocol, length):
    return source + dest + struct.pack("!IxxxB", length, protocol)


def udp(payload, ports=(40000, 41000), source=NEAR, dest=FAR):
    head = struct.pack("!HHH", ports[0], ports[1], 8 + len(payload))
    sum_ = checksum(pseudo(source, dest, UDP, 8 + len(payload)) + head +
                    bytes(2) + payload) or 0xFFFF
    return head + struct.pack("!H", sum_) + payload


def ip(content, source=NEAR, dest=FAR, protocol=UDP, offset=0, more=False):
    """One packet; @offset and @more are for who makes fragments"""
    if len(source) == 16 and (offset or more):
        return ip(struct.pack("!BBHI", protocol, 0, offset | more, 7) + content,
                  source, dest, FRAGMENT)
    if len(source) == 16:
        return struct.pack("!IHBB", 6 << 28, len(content), protocol, 64) + \
            source + dest + content
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(content), 7,
                       more << 13 | offset // 8, 64, protocol, 0, source, dest)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + content


def ethernet(packet, kind=4):
    return bytes(12) + struct.pack("!H", ETHERTYPE[kind]) + packet


def datagram(payload, ports=(40000, 41000), source=NEAR, dest=FAR):
    return ethernet(ip(udp(payload, ports, source, dest), source, dest),
                    len(source))


# ---- the file ---------------------------------------------------------------

class Capture:
    def __init__(self, path):
        self.file = open(path, "wb")
        self.now = BEGIN
        self.file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0,
                                    262144, 1))

    def add(self, frame, after=1000, cut=None):
        """@after: microseconds since the one before; @cut: bytes kept"""
        self.now += after
        kept = frame[:cut]
        self.file.write(struct.pack("<IIII", self.now // 1000000,
                                    self.now % 1000000, len(kept),
                                    len(frame)) + kept)


# ---- WHAT: the header's fields ----------------------------------------------

def header(to):
    to.add(datagram(cop(7, b"hello", flags=FIRST, tstamp=0xFFFFFFFF)))
    to.add(datagram(cop(7, b"hello", tstamp=0xFFFFFFFF), source=OTHER_NEAR,
                    dest=OTHER_FAR))
    to.add(datagram(cop()))


def drops():
    """What a receiver drops, as payloads of UDP from port 40000 to 41000"""
    for version in 0, 2, 15:
        yield cop(version=version)
    for words in 0, 1, 2, 3, 5, 15:
        yield cop(words=words)
    yield cop(words=6, options=bytes(4))
    for length in 15, 9, 8:
        yield cop()[:length]


def bad(to):
    """First by the ports that UDP has too, then by others"""
    for payload in drops():
        to.add(datagram(payload))
    for payload in drops():
        to.add(datagram(payload, ports=(40001, 41001)))


def magic_alone(to):
    for length in range(8):
        to.add(datagram(cop()[:length], ports=(40000, 41000)))


def notes(to):
    to.add(datagram(cop(words=5, options=bytes([1, 2, 3, 4]), payload=b"x")))
    to.add(datagram(cop(words=15, options=bytes(44))))
    to.add(datagram(cop(flags=0x80 | FIRST)))
    to.add(datagram(cop(flags=0xFE)))
    to.add(datagram(cop(), ports=(10024, 41000)))
    to.add(datagram(cop(), ports=(40000, 60000)))
    to.add(datagram(cop(), ports=(10024, 60000)))


# ---- WHAT: runs ---------------------------------------------------------------

def together(*payloads, seq=0, tstamp=77, first=0):
    """Datagrams that were one send, as a capture on the sender's host has them"""
    return b"".join(cop(seq + i, payload, tstamp=tstamp,
                        flags=0 if i else first)
                    for i, payload in enumerate(payloads))


def runs(to):
    to.add(datagram(together(b"one", b"two", b"six", b"4", first=FIRST)))
    to.add(datagram(cop(4, b"alone", tstamp=1077)))
    to.add(datagram(together(b"", b"", b"", seq=7, tstamp=2077)))


def runs_of_queries(to):
    other = b"\x56\x78" + QUERY[2:]
    to.add(datagram(together(QUERY, other), ports=(40000, 53)))
    to.add(datagram(together(b"a", b"b", seq=0xFFFFFFFF), ports=(1024, 1025)))


def not_runs(to):
    """One datagram each, whatever its payload looks like"""
    inner = cop(1, tstamp=77)
    for payload in (cop(2, tstamp=77), cop(1, tstamp=78),
                    cop(1, tstamp=77, ports=(40000, 41001)),
                    cop(1, tstamp=77, flags=FIRST), inner[:15],
                    b"ab" + inner + inner, b"abcd" + inner + b"xyz" + b"7" * 17 +
                    inner):
        to.add(datagram(cop(0, payload, tstamp=77)))


def cut_runs(to):
    for i, lost in enumerate((1, 5, 20, 24, 30)):
        whole = datagram(together(b"first", b"other", b"third", seq=4 * i))
        to.add(whole, cut=len(whole) - lost)
        to.add(datagram(cop(4 * i + 3, tstamp=77)))


# ---- WHAT: sequences --------------------------------------------------------

def play(to, arrivals, **names):
    """@arrivals: number, flags, sender's time, our time since the one before"""
    for seq, flags, tstamp, after in arrivals:
        to.add(datagram(cop(seq, flags=flags, tstamp=tstamp), **names), after)


def gaps(to):
    play(to, [(0, FIRST, 0, 1000), (1, 0, 1000, 1000), (4, 0, 4000, 3500),
              (5, 0, 5000, 500), (105, 0, 6000, 1000)])


def order(to):
    play(to, [(0, FIRST, 0, 1000), (2, 0, 2000, 2000), (1, 0, 1000, 10),
              (5, 0, 5000, 3000), (4, 0, 4000, 10), (3, 0, 3000, 10),
              (6, 0, 6000, 1000)])


def duplicates(to):
    play(to, [(0, FIRST, 0, 1000), (0, FIRST, 0, 10), (1, 0, 1000, 1000),
              (3, 0, 3000, 2000), (1, 0, 1000, 10), (2, 0, 2000, 10),
              (2, 0, 2000, 10), (3, 0, 3000, 10)])


def restarts(to):
    play(to, [(0, FIRST, 0, 1000), (1, 0, 1000, 1000), (3, 0, 3000, 2000),
              (0, FIRST, 50000, 10000), (1, 0, 51000, 1000),
              (900, 0, 52000, 1000), (5, 0, 99000, 10000)])


def wrap(to):
    top = 1 << 32
    play(to, [(top - 2, 0, top - 1500, 1000), (top - 1, 0, top - 500, 1000),
              (1, 0, 1500, 2000), (0, 0, 500, 10), (2, 0, 2500, 1000),
              (top - 1, 0, top - 500, 10), (top - 3, 0, top - 2500, 10)])


def late_beginning(to):
    """A capture that begins in the midst of a flow, and goes back before it"""
    play(to, [(100, 0, 0, 1000), (97, 0, -300, 10), (98, 0, -200, 10),
              (101, 0, 1000, 1000), (20, 0, -9000, 10)])


def long_ago(to):
    """The first of 70 comes again, then the one before it"""
    play(to, [(100 + i, 0, i * 1000, 1000) for i in range(70)] +
         [(100, 0, 0, 10), (99, 0, -1000, 10)])


def two_ways(to):
    """Flows are told apart by both addresses and both ports"""
    back = {"source": FAR, "dest": NEAR}
    for seq in range(2):
        play(to, [(seq, 0, 0, 1000)])
        play(to, [(seq, 0, 0, 1000)], ports=(40001, 41000))
        play(to, [(seq, 0, 0, 1000)], ports=(40000, 41001))
        play(to, [(seq, 0, 0, 1000)], ports=(41000, 40000))
        play(to, [(seq, 0, 0, 1000)], **back)
        play(to, [(seq, 0, 0, 1000)], ports=(41000, 41000))
        play(to, [(seq, 0, 0, 1000)], ports=(41000, 41000), **back)
        play(to, [(seq, 0, 0, 1000)], source=OTHER_NEAR, dest=OTHER_FAR)
        play(to, [(seq, 0, 0, 1000)], source=OTHER_FAR, dest=OTHER_NEAR)


def unreachable(packet):
    """What a host says whose port nobody has"""
    kind, protocol = (bytes([1, 4]), ICMP6) if SIX else (bytes([3, 3]), ICMP)
    error = bytes(4) + packet
    ahead = pseudo(FAR, NEAR, ICMP6, 4 + len(error)) if SIX else b""
    sum_ = checksum(ahead + kind + bytes(2) + error)
    return ethernet(ip(kind + struct.pack("!H", sum_) + error, FAR, NEAR,
                       protocol), len(NEAR))


def not_counted(to):
    """Between two of a flow: what a receiver drops, and one in an error"""
    to.add(datagram(cop(0)))
    to.add(datagram(cop(5, version=2)))
    to.add(datagram(cop(5, words=3)))
    to.add(unreachable(ip(udp(cop(5)))))
    to.add(datagram(cop(1)))


# ---- WHAT: payloads ---------------------------------------------------------

def names(to):
    to.add(datagram(cop(payload=QUERY, ports=(40000, 53)), ports=(40000, 53)))
    to.add(datagram(cop(2, payload=QUERY, ports=(40000, 53)), ports=(40000, 53)))
    to.add(datagram(QUERY, ports=(40000, 53)))
    to.add(datagram(cop(3, payload=b"x", ports=(40000, 53)), ports=(40000, 53)))


def unclaimed(to):
    """STUN is known by its looks; of what begins as COP does nobody knows"""
    stun = bytes.fromhex("000100002112a442") + bytes(range(12))
    to.add(datagram(cop(0, payload=stun)))
    to.add(datagram(cop(1, payload=cop(77, payload=b"inner"))))
    to.add(datagram(cop(2, payload=b"neither")))


def tunnel(to):
    """A datagram of COP in VXLAN in one of COP: another flow's, and its own"""
    vxlan = bytes.fromhex("0800000000000100")
    ports = (40000, 4789)
    inner = datagram(cop(77, b"inner", ports=(1, 2)), (1, 2))
    to.add(datagram(cop(0, vxlan + inner, ports=ports), ports))
    to.add(datagram(cop(1, b"x", ports=ports), ports))
    inner = datagram(cop(3, ports=ports, tstamp=1), ports)
    to.add(datagram(cop(2, vxlan + inner, ports=ports), ports))


# ---- WHAT: parts ------------------------------------------------------------

HEADERS = 14 + (40 if SIX else 20) + 8


def cuts(to):
    """What is left of one datagram at each length of a capture"""
    whole = datagram(cop(words=6, options=bytes(range(8)), payload=QUERY,
                         ports=(40000, 53)), ports=(40000, 53))
    for cut in range(HEADERS, len(whole) + 1):
        to.add(whole, cut=cut)


def plain_cuts(to):
    """What is no COP, more often than Lua could bear, before what is"""
    for _ in range(400):
        to.add(datagram(QUERY, ports=(40000, 53)), cut=HEADERS + 14)
    to.add(datagram(cop(7, ports=(40000, 53)), ports=(40000, 53)))


def cut_number(to):
    to.add(datagram(cop(10, tstamp=0)))
    to.add(datagram(cop(11, tstamp=1000)), cut=HEADERS + 11)
    to.add(datagram(cop(14, tstamp=4000)))
    to.add(datagram(cop(13, tstamp=3000)))
    to.add(datagram(cop(15, tstamp=5000)))


def fragments(to):
    whole = udp(cop(3, payload=bytes(3000)))
    for offset in range(0, len(whole), 1480):
        to.add(ethernet(ip(whole[offset:offset + 1480], offset=offset,
                           more=offset + 1480 < len(whole)), len(NEAR)))
    to.add(datagram(cop(4)))


# ---- WHAT: at random --------------------------------------------------------

class Sender:
    """Numbers and times as a sender has them, and a path that spoils them"""

    def __init__(self, rnd):
        self.rnd = rnd
        self.clock = 0
        self.pending = []
        self.sent = []
        self.coming = []
        self.begin()

    def begin(self):
        rnd = self.rnd
        self.seq = rnd.choice([0, 0, 5, (1 << 32) - rnd.randrange(200),
                               rnd.getrandbits(32)])
        self.first = self.seq == 0
        self.origin = None  # the first that is made
        self.spoilt = rnd.choice([.01, .15])
        if rnd.random() < .5:
            self.clock = rnd.choice([rnd.getrandbits(32),
                                     (1 << 32) - rnd.randrange(100000)])

    def make(self):
        rnd = self.rnd
        if rnd.random() < .005:
            self.begin()
        self.clock += rnd.choice([0, 1, 100, 1000, rnd.randrange(20000)])
        if rnd.random() < .002:
            self.clock += rnd.randrange(1 << 31)
        one = (self.seq % (1 << 32), FIRST if self.first else 0,
               self.clock % (1 << 32))
        self.origin = self.origin or one
        self.first = False
        self.seq += 1
        self.sent = (self.sent + [one])[-200:]
        return one

    def lose(self):
        """Some; the one before or the first of them may come again, or late"""
        rnd = self.rnd
        before = self.make()
        lost = [self.make() for _ in range(
            rnd.choice([1, 1, 2, 5, 61, 62, 63, 64, 65, 200]))]
        if rnd.random() < .02:
            self.seq += rnd.getrandbits(31)
        self.coming += [before, self.make()]
        self.coming += rnd.choice([[], [before], [lost[0], lost[0]]])

    def go_back(self):
        """Numbers, by a time near what tells a restart from a late one"""
        rnd = self.rnd
        now = self.make()
        self.coming += [now, (
            (now[0] - rnd.choice([0, 1, 30, 100])) % (1 << 32),
            rnd.choice([0, 0, FIRST]),
            (now[2] + rnd.choice([0, 10000, -255000000]) +
             rnd.randrange(-1, 3)) % (1 << 32))]

    def begin_twice(self):
        """The first one comes again, or another one that is like it"""
        seq, flags, tstamp = self.origin
        self.coming += [self.make(), (seq, flags, (
            tstamp + self.rnd.choice([0, 0, -1, 1, 2])) % (1 << 32))]

    def nonsense(self):
        rnd = self.rnd
        return (rnd.getrandbits(32), rnd.choice([0, FIRST]),
                rnd.choice([self.clock + rnd.randrange(-30000, 30000),
                            rnd.getrandbits(32)]) % (1 << 32))

    def spoil(self):
        """What comes next is something else than what was sent next"""
        rnd = self.rnd
        what = rnd.randrange(13)
        if what < 3:
            self.lose()
        elif what < 4:
            self.go_back()
        elif what > 10 and self.origin:
            self.begin_twice()
        elif what < 6:
            self.pending.append(self.make())
        elif what < 8 and self.pending:
            self.coming.append(
                self.pending.pop(rnd.randrange(len(self.pending))))
        elif what < 10 and self.sent:
            self.coming.append(
                rnd.choice(self.sent[-rnd.choice([1, 5, 70, 200]):]))
        elif rnd.random() < .3:
            self.coming.append(self.nonsense())

    def arrival(self):
        if not self.coming and self.rnd.random() < self.spoilt:
            self.spoil()
        return self.coming.pop(0) if self.coming else self.make()


def flows(to, seed):
    """A line for each: flow, when it came, number, the sender's time, flags, and
    whether all that was cut off"""
    rnd = random.Random(seed)
    senders = [Sender(rnd) for _ in range(6)]
    index = {}
    with open(sys.argv[3] + ".txt", "w") as text:
        for _ in range(12000):
            flow = rnd.randrange(len(senders))
            seq, flags, tstamp = senders[flow].arrival()
            after = rnd.choice([0, 1, 50, 500, rnd.randrange(100000)])
            if rnd.random() < .01:
                after = -rnd.randrange(1000)  # a clock that is set
            if rnd.random() < .001:
                after = rnd.randrange(1 << 33)
            cut = rnd.random() < .003
            to.add(datagram(cop(seq, flags=flags, tstamp=tstamp),
                            ports=(40000 + flow, 41000)), after,
                   HEADERS + rnd.randrange(3, 16) if cut else None)
            print(index.setdefault(flow, len(index)), to.now, seq, tstamp,
                  flags, int(cut), file=text)


def noise(to, seed):
    """What begins as COP does, then anything; cut anywhere"""
    rnd = random.Random(seed)
    for _ in range(4000):
        head = bytearray(cop(rnd.getrandbits(32), words=rnd.randrange(16),
                             flags=rnd.getrandbits(8)))
        for _ in range(rnd.randrange(4)):
            head[rnd.randrange(2, 16)] = rnd.getrandbits(8)
        body = rnd.randbytes(rnd.choice([0, 1, 4, 44, 60, 300]))
        whole = datagram((bytes(head) + body)[:rnd.randrange(1, 400)],
                         (40000, rnd.choice([53, 69, 123, 4789, 41000])))
        cut = rnd.choice([len(whole), rnd.randrange(HEADERS, len(whole) + 1)])
        to.add(whole, cut=cut)


globals()[sys.argv[1]](Capture(sys.argv[3]), *sys.argv[4:])
