# SPDX-License-Identifier: MIT
"""rules.py - the differences between UDP and COP that are meant

Each is described in docs/DIFFERENCES.md under its name here. Some are not there
between UDP and a program's UDP that COP_ADOPT puts on COP, or between the kernel's
UDP-Lite and the module's; and these two have rules of their own. A rule is asked
about a call that came out differently. It says what COP's answer has to be if
the difference is the one it knows, or None. Where a difference has consequences
(a datagram that only one side has sent) the rule ends the comparison of the
script there.
"""
import re

from script import (IPPROTO_IP, IPPROTO_UDP, IP_MTU_DISCOVER, IP_OPTIONS,
                    MSG_ERRQUEUE, MSG_MORE, SOL_SOCKET,
                    SO_ATTACH_REUSEPORT_CBPF, SO_BROADCAST, SO_MEMINFO, SO_NO_CHECK,
                    SO_PEEK_OFF, SO_REUSEADDR, SO_REUSEPORT, SO_RXQ_OVFL,
                    SO_TIMESTAMPING, SO_TIMESTAMPING_NEW, SO_ZEROCOPY)

AF_INET6, IPPROTO_IPV6 = 10, 41

HEADER = 16
UDP_MAX, UDP_MAX_6 = 65507, 65527
COP_MAX = UDP_MAX - HEADER

SO_TYPE, SO_PROTOCOL = 3, 38
SO_ATTACH_FILTER = 26
SO_DETACH_REUSEPORT_BPF = 68
IP_RECVFRAGSIZE = 25
UDP_CORK, UDP_SEGMENT, UDP_GRO = 1, 103, 104
IP_CHECKSUM = 23
IP_RECVORIGDSTADDR = 20
FIONREAD = 0x541b
TIOCOUTQ = 0x5411
IP_HEADERS, IPV6_HEADERS = 28, 48  # with UDP's
# of a datagram, by an ICMP error
QUOTED = 576 - IP_HEADERS - IP_HEADERS, 1280 - IPV6_HEADERS - IPV6_HEADERS

SECOND_MTU = 1500  # of the second device in a network with IPv6

IPV6_ADDRFORM, IPV6_RECVPATHMTU = 1, 60
IPV6_MTU, IPV6_RECVORIGDSTADDR, IPV6_RECVFRAGSIZE = 24, 74, 77
IPV6_HEADER_OPTIONS = (54, 55, 57, 59)

RULES = {}
NOT_ADOPTED = set()  # names of rules that adopted UDP does without
ADOPTED_ONLY = set()
LITE = set()  # names of the rules that UDP-Lite has
LITE_ONLY = set()


def rule(func):
    RULES[func.__name__] = func
    return func


def rule_but_adopted(func):
    """One that follows from the type's own name and ports"""
    NOT_ADOPTED.add(func.__name__)
    return rule(func)


def rule_of_adopted(func):
    """One of what only sockets that share a port have"""
    ADOPTED_ONLY.add(func.__name__)
    return rule(func)


def lite_too(func):
    """One of COP's that UDP-Lite has as well"""
    LITE.add(func.__name__)
    return func


def rule_of_lite(func):
    """One that only UDP-Lite has"""
    LITE_ONLY.add(func.__name__)
    return rule(lite_too(func))


def names(adopted, udplite=False):
    if udplite:
        return [name for name in RULES if name in LITE]
    others = (NOT_ADOPTED if adopted else ADOPTED_ONLY) | LITE_ONLY
    return [name for name in RULES if name not in others]


class Answer:
    """What COP's line has to be, and whether the comparison ends there"""

    def __init__(self, *lines, ends=False):
        self.lines = lines
        self.ends = ends

    def fits(self, line):
        return line in self.lines


class Anything(Answer):
    """Nothing can be said of it any more"""

    def __init__(self):
        Answer.__init__(self, ends=True)

    def fits(self, line):
        return True


def failed(step, err, *more):
    return " ".join([str(step.index), step.call, "ret=-1", "err=" + err,
                     *more])


def succeeded(line):
    return " ret=-1 " not in line + " "


class Step:
    def __init__(self, index, text):
        words = text.split()
        self.index = index
        self.actor = int(words[0])
        self.call = words[1]
        self.words = words[2:]

    def number(self, i):
        return int(self.words[i], 0)


class Descriptors:
    """Which slots of a process lead to which socket"""

    KEPT = {"socket": 0, "dup": 1, "dup2": 1, "dup3": 1, "fcntl": 3}

    def __init__(self):
        self.slots, self.fds = {}, {}
        self.begun = False

    def copy(self):
        other = Descriptors()
        other.slots, other.fds = dict(self.slots), dict(self.fds)
        other.begun = True
        return other

    def socket_of(self, step):
        if not step.words:
            return None
        return self.fds.get(self.slots.get(step.words[0]))

    def follow(self, step, line):
        got = re.search(r" ret=(\d+)", line)
        to = self.KEPT.get(step.call)
        if got and step.call == "close":
            self.fds.pop(self.slots.get(step.words[0]), None)
        elif got and to is not None and len(step.words) > to:
            socket = self.socket_of(step) if to else step.index
            self.slots[step.words[to]] = got.group(1)
            self.fds[got.group(1)] = socket

    def take(self, step, line, socket):
        fd = re.search(r" fd=(\d+)", line)
        if fd:
            self.slots[step.words[0]] = fd.group(1)
            self.fds[fd.group(1)] = socket


class Story:
    """A script that has been played on UDP, up to one of its steps"""

    def __init__(self, mtu, steps, tape, adopted=False, udplite=False):
        self.mtu = mtu
        self.adopted = adopted
        self.udplite = udplite
        self.steps = [Step(i, text) for i, text in enumerate(steps)]
        self.tape = tape  # of UDP, with the lines about ports
        self.has_ipv6 = any(step.call == "socket" and
                            step.words[3:] == [str(AF_INET6)]
                            for step in self.steps)

    def until(self, index):
        """(step, line) of the calls before step number index; ports that
        became known are kept in self.ports"""
        self.ports = {}
        for line in self.tape:
            if line[0] == "#":
                _, slot, _, name = line.split()
                self.ports[int(slot)] = name.rpartition(":")[2]
                continue
            number = line.split(" ", 1)[0]
            if not number.isdigit() or int(number) >= index:
                return
            step = self.steps[int(number)]
            if succeeded(line):
                self.forget(step)
            yield step, line

    def forget(self, step):
        """A slot that gets another socket has no port until it is said"""
        if step.call == "close" and not self.is_shared(step):
            self.ports.pop(step.number(0), None)
        elif step.call in ("socket", "take"):
            self.ports.pop(step.number(0), None)
        elif step.call in ("dup", "dup2", "dup3"):
            self.ports.pop(step.number(1), None)

    def is_shared(self, step):
        return any(s.call == "fork" for s in self.steps[:step.index])

    def sockets(self, index):
        """A function from a step before index to a name for its socket"""
        fork = next((s.index for s in self.steps if s.call == "fork"), index)
        tables = [Descriptors(), Descriptors()]
        named, given = {}, []
        for step, line in self.until(index):
            if step.index > fork and not tables[1].begun:
                tables[1] = tables[0].copy()
            table = tables[step.actor if step.index > fork else 0]
            named[step.index] = table.socket_of(step)
            table.follow(step, line)
            if step.call == "give" and succeeded(line):
                given.append(named[step.index])
            elif step.call == "take" and succeeded(line):
                table.take(step, line, given.pop(0))
        return named.get

    def corks(self):
        """Whether UDP_CORK is set anywhere"""
        return any(s.call == "setsockopt" and
                   option_of(s) == (IPPROTO_UDP, UDP_CORK) for s in self.steps)

    def held_ports(self, index):
        for _ in self.until(index):
            pass
        return dict(self.ports)


def option_of(step):
    if step.call not in ("setsockopt", "getsockopt"):
        return None
    return step.number(1), step.number(2)


def asked_length(step):
    """What getsockopt says of the length when it fails"""
    length = step.words[3].split(",")[1]
    return ["len=%d" % int(length)] if length.lstrip("-").isdigit() else []


def refused(step, err, udp):
    if step.call == "getsockopt":
        return Answer(failed(step, err, *asked_length(step)))
    return Answer(failed(step, err), ends=succeeded(udp))


# ---- options --------------------------------------------------------------------


@rule_but_adopted
def type_and_protocol(story, step, udp):
    if step.call != "getsockopt":
        return None
    if option_of(step) == (SOL_SOCKET, SO_TYPE):
        return Answer(udp.replace(" value=02", " value=07"))
    if option_of(step) == (SOL_SOCKET, SO_PROTOCOL):
        return Answer(udp.replace(" value=11", " value=fd"))
    return None


@rule
@lite_too
def udp_options(story, step, udp):
    option = option_of(step)
    if (not option or option[0] != IPPROTO_UDP or
            option[1] in (UDP_CORK, UDP_SEGMENT, UDP_GRO)):
        return None
    return refused(step, "ENOPROTOOPT", udp)


@rule_but_adopted
def no_check(story, step, udp):
    if (step.call, option_of(step)) == ("setsockopt",
                                        (SOL_SOCKET, SO_NO_CHECK)):
        return refused(step, "ENOPROTOOPT", udp)
    return None


@rule
@lite_too
def peek_off(story, step, udp):
    if option_of(step) == (SOL_SOCKET, SO_PEEK_OFF):
        return refused(step, "EOPNOTSUPP", udp)
    return None


@rule
@lite_too
def zerocopy(story, step, udp):
    if (step.call, option_of(step)) == ("setsockopt",
                                        (SOL_SOCKET, SO_ZEROCOPY)):
        return refused(step, "EOPNOTSUPP", udp)
    return None


@rule_but_adopted
def reuseport_program(story, step, udp):
    """There are no groups that it could choose from"""
    if step.call == "setsockopt" and option_of(step) in (
            (SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF),
            (SOL_SOCKET, SO_DETACH_REUSEPORT_BPF)):
        return refused(step, "EINVAL", udp)
    return None


def looks_inside(program):
    """Whether a program, in the words of a script, asks for more of a datagram
    than its bytes: the length, or what the kernel makes of it"""
    insns = [(int(program[i:i + 2], 16), program[i + 8:i + 16])
             for i in range(0, len(program), 16)]
    return any(code & 7 in (0, 1) and
               (code >> 5 == 4 or (code >> 5 == 1 and
                                   k[2:] in ("f0ffff", "f1ffff")))
               for code, k in insns)


@rule_of_adopted
def reuseport_payload(story, step, udp):
    """A program that chooses by a length is shown one without the header"""
    if (step.call == "setsockopt" and step.words[3].startswith("f:") and
            option_of(step) == (SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF) and
            looks_inside(step.words[3][2:])):
        return refused(step, "EINVAL", udp)
    return None


# ---- batches --------------------------------------------------------------------

RUN_MIN = 4  # datagrams that the library gives to the kernel as one send
UNSENT = str(0xa5a5)


def in_a_run(lengths, i):
    """Whether datagrams i - 1 and i are in one such send, or in two"""
    for first in range(i):
        end = first + 1
        while (end < len(lengths) and lengths[end - 1] == lengths[first] and
               lengths[end] <= lengths[first]):
            end += 1
        if end > i and end - first >= RUN_MIN:
            return True
    return False


def has_a_run(lengths):
    """Whether two of the datagrams are in one such send"""
    return any(in_a_run(lengths, i) for i in range(1, len(lengths)))


def cut_sizes(story, index):
    """Of UDP_SEGMENT before a step: (who set the option, bytes)"""
    for step in story.steps[:index]:
        if (option_of(step) == (IPPROTO_UDP, UDP_SEGMENT) and
                step.call == "setsockopt" and step.words[3][0] != "!"):
            yield step.actor, int.from_bytes(
                bytes.fromhex(step.words[3])[:4], "little", signed=True)
        for word in step.words:
            for value in re.findall(r"(?:^|;)17:103:([0-9a-f]{4})", word):
                yield step.actor, int.from_bytes(bytes.fromhex(value),
                                                 "little")


@rule
def cut_and_corked(story, step, udp):
    """UDP cuts a datagram that was sent in parts"""
    sizes = [size for _, size in cut_sizes(story, step.index + 1) if size > 0]
    if step.call not in SENDS or not sizes:
        return None
    if sends_more(step) or story.corks():
        return Anything()
    return None


@rule
def cut_in_two(story, step, udp):
    """With its headers a long cut send is two sends, and meets two ICMP errors"""
    for before in story.steps[:step.index]:
        sizes = [size for _, size in cut_sizes(story, before.index + 1)
                 if size > 0]
        if before.call in SENDS and sizes and any(
                length + HEADER * -(-length // min(sizes)) > UDP_MAX
                for length in lengths_of(before)):
            return Anything()
    return None


@rule
def cut_between_processes(story, step, udp):
    """A process has set UDP_SEGMENT, and another, which sends or asks, does not know"""
    for one in story.steps[:step.index + 1]:
        if (one is step or one.call in SENDS) and any(
                actor != one.actor
                for actor, _ in cut_sizes(story, one.index + 1)):
            return Anything()
    return None


def joins(story, index):
    """Of UDP_GRO before a step: the calls that set or clear it"""
    return [step for step in story.steps[:index]
            if step.call == "setsockopt" and
            option_of(step) == (IPPROTO_UDP, UDP_GRO)]


def sees_queue(step):
    return step.call.startswith(("recv", "read")) or step.call in LOOKS


@rule
def joined_batch(story, step, udp):
    """A receiver with UDP_GRO gets the datagrams of a sendmmsg joined"""
    if not sees_queue(step) or not joins(story, step.index):
        return None
    if any(before.call == "sendmmsg" and has_a_run(lengths_of(before))
           for before in story.steps[:step.index]):
        return Anything()
    return None


@rule
def joined_filter(story, step, udp):
    """A filter that cuts joined datagrams short counts their headers, too"""
    if not sees_queue(step) or not joins(story, step.index):
        return None
    return (Anything() if any(
        option_of(before) == (SOL_SOCKET, SO_ATTACH_FILTER) and
        before.call == "setsockopt"
        for before in story.steps[:step.index]) else None)


@rule
def joined_between_processes(story, step, udp):
    """What is set while two processes may have a socket, the kernel does not get"""
    if not (sees_queue(step) or
            option_of(step) == (IPPROTO_UDP, UDP_GRO)):
        return None
    if any(earlier.call in ("fork", "give")
           for before in joins(story, step.index)
           for earlier in story.steps[:before.index]):
        return Anything()
    return None


@rule
def route_of_a_failed_connect(story, step, udp):
    """Behind a connect that failed, UDP's first datagram to the peer arrives and no
    other. Others of the same sendmmsg may be sent to a name before"""
    socket = story.sockets(step.index + 1)
    failed_ones = set()
    for before, line in story.until(step.index + 1):
        if before.call == "connect" and not succeeded(line):
            failed_ones.add(socket(before.index))
        if (before.call == "sendmmsg" and
                socket(before.index) in failed_ones and
                has_a_run(lengths_of(before))):
            return Anything()
    return None


@rule
def icmp_behind_batch(story, step, udp):
    """UDP has met an ICMP error behind the first datagrams, and sent no more"""
    got = re.match(r"\d+ sendmmsg ret=(\d+) ", udp)
    lengths = lengths_of(step) if got else []
    sent = int(got.group(1)) if got else 0
    if not 0 < sent < len(lengths) or not in_a_run(lengths, sent):
        return None
    lines = []
    for more in range(sent + 1, len(lengths) + 1):
        told = [str(length) for length in lengths[:more]]
        told += [UNSENT] * (len(lengths) - more)
        lines.append("%d sendmmsg ret=%d %s" % (step.index, more,
                                                " ".join(told)))
    return Answer(*lines, ends=True)


# ---- lengths --------------------------------------------------------------------


def iovec_length(word):
    if word[0] == "x":
        return int(word[1:])
    if word[0] in "-!":
        return 0
    return sum(int(part.lstrip("oNOBKP")) for part in word.split(","))


LOOKS = ("poll", "ppoll", "select", "epoll_ctl", "epoll_wait", "ioctl", "give")
SENDS = ("send", "sendto", "write", "writev", "sendmsg", "sendmmsg")


def lengths_of(step):
    """Of the datagrams that a call sends"""
    words = step.words
    if step.call in ("send", "sendto", "write"):
        return [int(words[1].split(",")[1])]
    if step.call == "writev":
        return [iovec_length(words[1])]
    if step.call == "sendmsg" and len(words) > 3:
        return [iovec_length(words[3])]
    if step.call == "sendmmsg":
        return [iovec_length(word) for word in words[5::4]]
    return []


def sends_more(step):
    """Whether a call leaves its datagram open (MSG_MORE or UDP_CORK)"""
    flags = {"send": 2, "sendto": 2, "sendmsg": 1, "sendmmsg": 2}
    if step.call == "setsockopt":
        return option_of(step) == (IPPROTO_UDP, UDP_CORK)
    return step.call in flags and bool(step.number(flags[step.call]) &
                                       MSG_MORE)


def begun_before(story, step):
    """What a call's datagram may have in it already: the lengths of parts"""
    begun = {0}
    socket = story.sockets(step.index + 1)
    for before, line in story.until(step.index):
        if not succeeded(line) or before.call not in SENDS:
            continue
        if (socket(before.index) == socket(step.index) and
                (len(begun) > 1 or sends_more(before) or story.corks())):
            for length in lengths_of(before):
                begun |= {part + length for part in begun}
    return begun


def has_ip_options(story, step):
    return any(option_of(before) == (IPPROTO_IP, IP_OPTIONS) or
               any(re.search(r"(^|;)0:[47]:", word) for word in before.words)
               for before in story.steps[:step.index + 1])


def has_extension_headers(story, step):
    """Of IPv6"""
    return any(option_of(before) in [(IPPROTO_IPV6, name)
                                     for name in IPV6_HEADER_OPTIONS] or
               any(re.search(r"(^|;)41:([345]|5[4579]):", word)
                   for word in before.words)
               for before in story.steps[:step.index + 1])


def limits(story, step):
    """Of a datagram's length: (the limit, what options may take of it)"""
    options = 40 if has_ip_options(story, step) else 0
    both = [(limit, options) for limit in (UDP_MAX, story.mtu - IP_HEADERS)]
    if not story.has_ipv6:
        return both
    headers = 80 if has_extension_headers(story, step) else 0
    mtus = [story.mtu, SECOND_MTU] + [
        int.from_bytes(bytes.fromhex(before.words[3])[:4], "little")
        for before in story.steps[:step.index]
        if before.call == "setsockopt" and before.words[3][0] != "!" and
        option_of(before) == (IPPROTO_IPV6, IPV6_MTU)]
    return both + [(limit, headers) for limit in [UDP_MAX_6] + [
        mtu - IPV6_HEADERS for mtu in mtus]]


def near_a_limit(story, step, whole):
    """Whether a datagram fits only without the header"""
    return any(limit - options - HEADER < whole <= limit
               for limit, options in limits(story, step))


def all_near_a_limit(story, step):
    """Which of a call's datagrams may be"""
    lengths = lengths_of(step)
    begun = begun_before(story, step)
    for i, length in enumerate(lengths):
        wholes = [part + sum(lengths[:i + 1]) for part in begun]
        if sends_more(step) or story.corks():
            wholes += [sum(lengths[at:i + 1]) for at in range(1, i + 1)]
        wholes.append(length)
        wholes += [min(length, size)
                   for _, size in cut_sizes(story, step.index + 1)]
        if any(near_a_limit(story, step, whole) for whole in wholes):
            yield i


def refused_from(step, udp, i):
    """What a call says whose datagram number i is refused"""
    if step.call != "sendmmsg":
        return failed(step, "EMSGSIZE")
    none = UNSENT
    if not i:
        return failed(step, "EMSGSIZE", *[none] * len(lengths_of(step)))
    sent = [word for word in udp.split() if word.isdigit()][1:]
    sent[i:] = [none] * (len(sent) - i)
    return "%d sendmmsg ret=%d %s" % (step.index, i, " ".join(sent))


def lost_on_the_way(story, before, line):
    """Whether a datagram in parts may be so long with its header that the kernel
    takes it and drops it: where the MTU is above what IP can say"""
    return (before.call != "sendmmsg" and before.call in SENDS and
            succeeded(line) and list(all_near_a_limit(story, before)) and
            any(begun_before(story, before)))


def one_beyond(story, before):
    """Whether a datagram may be one byte longer than IP can say, or is so with
    its header. With IP_PMTUDISC_PROBE and IP_PMTUDISC_INTERFACE the kernel asks
    the device's MTU alone: it takes such a datagram, and then drops it or keeps
    the error for the next call"""
    return (before.call in SENDS and
            any(option_of(earlier) == (IPPROTO_IP, IP_MTU_DISCOVER)
                for earlier in story.steps[:before.index]) and
            any(part + length in (COP_MAX + 1, UDP_MAX + 1)
                for part in begun_before(story, before)
                for length in lengths_of(before)))


def with_options(story, before):
    """Whether a call may have been refused amid its datagrams for the length that
    IP options add: the kernel keeps that error for the next call"""
    return (before.call == "sendmmsg" and
            (has_ip_options(story, before) or
             has_extension_headers(story, before)) and
            list(all_near_a_limit(story, before)))


def refused_unseen(story, step):
    """Whether a sendmmsg before it ended with a datagram of such a length, for
    another reason: that one is still to be told then"""
    socket = story.sockets(step.index + 1)
    for before, line in story.until(step.index):
        got = re.search(r" ret=(\d+) ", line)
        if (before.call == "sendmmsg" and got and
                socket(before.index) == socket(step.index) and
                int(got.group(1)) in all_near_a_limit(story, before)):
            return True
        if (lost_on_the_way(story, before, line) or
                one_beyond(story, before) or with_options(story, before)):
            return True
    return False


@rule
@lite_too
def payload_limit(story, step, udp):
    if refused_unseen(story, step):
        return Anything()
    if step.call not in SENDS:
        return None
    lines = [refused_from(step, udp, i) for i in all_near_a_limit(story, step)]
    return Answer(*lines, ends=True) if lines else None


# ---- two processes ------------------------------------------------------------------


def splits(story, index):
    """Whether a datagram that one process began was gone on with by another, or
    ended: the kernel drops a datagram that it refuses a part of"""
    begun = {}
    socket = story.sockets(index + 1)
    for step, line in story.until(index + 1):
        done = succeeded(line) or step.index == index
        if not (step.call in SENDS or (sends_more(step) and done)):
            continue
        if begun.get(socket(step.index), step.actor) != step.actor:
            return True
        if sends_more(step) and done:
            begun[socket(step.index)] = step.actor
    return False


@rule
def split_between_processes(story, step, udp):
    return Anything() if splits(story, step.index) else None


@rule_but_adopted
def reuse_between_processes(story, step, udp):
    """What one process has set another does not know"""
    option = option_of(step)
    if (step.call != "getsockopt" or
            option not in ((SOL_SOCKET, SO_REUSEADDR),
                           (SOL_SOCKET, SO_REUSEPORT))):
        return None
    if not any(before.call == "setsockopt" and option_of(before) == option and
               before.actor != step.actor
               for before, _ in story.until(step.index)):
        return None
    return Answer(re.sub(r"value=0(\d)", lambda was: "value=0%d" %
                         (1 - int(was.group(1))), udp))


@rule
@lite_too
def port_between_processes(story, step, udp):
    """One process has given a port up and another, which does not know, lets
    the kernel choose again: it gets the same"""
    socket = story.sockets(step.index + 1)
    left = {socket(before.index): before.actor
            for before, line in story.until(step.index)
            if before.call == "connect" and succeeded(line) and
            before.words[1].startswith("0,")}
    if not any(before.call in SENDS + ("connect",) and
               left.get(socket(before.index), before.actor) != before.actor
               for before, _ in story.until(step.index + 1)):
        return None
    return Anything()


@rule
@lite_too
def family_between_processes(story, step, udp):
    """One process has made the socket one of AF_INET, and another does not know"""
    socket = story.sockets(step.index + 1)
    by = {socket(before.index): before.actor
          for before, line in story.until(step.index)
          if before.call == "setsockopt" and succeeded(line) and
          option_of(before) == (IPPROTO_IPV6, IPV6_ADDRFORM)}
    return (Anything() if by.get(socket(step.index), step.actor) != step.actor
            else None)


# ---- errors --------------------------------------------------------------------------


def is_bad_message(words):
    """Of the four words of a message, where the fault is in the first two"""
    kind, length = words[0].split(",")
    return bool(re.search(r"!|[NOBKP]\d|^x1025$", words[1]) or
                kind in "OBKP" or int(length) > 0x7fffffff)


def parted_error(story, step):
    """Whether a recvmmsg before it got some messages, and of the next one an
    error that the socket keeps for the next call"""
    for before, line in story.until(step.index):
        got = re.search(r" ret=(\d+) ", line)
        if before.call == "recvmmsg" and got and int(got.group(1)):
            next_one = before.words[5 + 4 * int(got.group(1)):][:4]
            if next_one and is_bad_message(next_one):
                return True
    return False


@rule
@lite_too
def kept_error(story, step, udp):
    return Anything() if parted_error(story, step) else None


# ---- what the kernel makes of the header ------------------------------------------


class Origin(Answer):
    """The same but for the port of an IP_ORIGDSTADDR"""

    PORT = r"(\{(?:0:20|41:74):\d+ =in6?:)(\w+)"

    def __init__(self, *lines):
        Answer.__init__(self, *lines, ends=True)

    def plain(self, line):
        return re.sub(self.PORT, r"\1", line)

    def fits(self, line):
        return any(self.plain(one) == self.plain(line) and
                   all(cop[1] in ("5120", "5121", udp[1])
                       for udp, cop in zip(re.findall(self.PORT, one),
                                           re.findall(self.PORT, line)))
                   for one in self.lines)


class Quote(Origin):
    """That, and what stands behind a slash"""

    def plain(self, line):
        return re.sub(r"/(\d+):\w+", r"/\1:_", Origin.plain(self, line))


@rule
def error_quote(story, step, udp):
    """An ICMP error quotes so many bytes, of which the header is some"""
    if not step.call.startswith("recv"):
        return None
    if step.number({"recvmsg": 1}.get(step.call, 2)) & MSG_ERRQUEUE and any(
            size > 0 for _, size in cut_sizes(story, step.index)):
        return Anything()
    lines = [udp]
    for whole, most, rest in re.findall(r" data=(\d+):\w+/(\d+):(\w+)", udp):
        if any(quoted - HEADER < int(whole) < quoted for quoted in QUOTED):
            return Anything()
        data = " data=%s:%s/%d:_" % (most, rest, int(most) - HEADER)
        for line in list(lines):
            line = re.sub(r" data=%s:\w+/%s:%s" % (whole, most, rest), data,
                          line)
            line = line.replace(" ret=" + whole + " ", " ret=" + most + " ")
            lines.append(line.replace("[" + whole + " ", "[" + most + " ", 1))
    return Quote(*lines) if len(lines) > 1 else None


class Memory(Answer):
    """None where UDP has none, and some where it has some; the filter is there
    besides what the program has set"""

    def fits(self, line):
        return any(self.same(*[one.split("value=")[1].split(",")
                               for one in (known, line)])
                   for known in self.lines if "value=" in line)

    def same(self, udp, cop):
        exact, some, more = (1, 3, 7, 8), (0, 2), (6,)
        return (len(udp) == len(cop) and
                all(udp[i] == cop[i] for i in exact if i < len(udp)) and
                all((udp[i] == "0") == (cop[i] == "0")
                    for i in some if i < len(udp)) and
                all(int(udp[i] or 0) <= int(cop[i] or 0)
                    for i in more if i < len(udp)))


class Queued(Answer):
    """Bytes that are waiting to be sent, if any are"""

    def fits(self, line):
        return self.plain(line) in [self.plain(one) for one in self.lines]

    def plain(self, line):
        return re.sub(r" data=(?!00000000)[0-9a-f]{1,8}$", " data=some", line)


@rule
@lite_too
def memory(story, step, udp):
    """The header and the filter take memory that SO_MEMINFO and TIOCOUTQ show"""
    if option_of(step) == (SOL_SOCKET, SO_MEMINFO):
        return Memory(udp) if "value=" in udp else None
    if step.call == "ioctl" and step.number(1) == TIOCOUTQ:
        return Queued(udp)
    return None


SO_SNDBUF, SO_SNDBUFFORCE = 7, 32


@rule
def send_buffer(story, step, udp):
    """A small SO_SNDBUF has less room for the rest of a datagram"""
    if step.call not in SENDS or not succeeded(udp):
        return None
    before = [before for before, _ in story.until(step.index)]
    if (any(option_of(one) in ((SOL_SOCKET, SO_SNDBUF),
                               (SOL_SOCKET, SO_SNDBUFFORCE))
            for one in before) and
            any(sends_more(one) for one in before)):
        return Answer(failed(step, "ENOBUFS"), ends=True)
    return None


@rule
@lite_too
def receive_stamp(story, step, udp):
    """A look at the queue for strays is a receive to SIOCGSTAMP"""
    if step.call != "ioctl" or step.number(1) & 0xffff not in (0x8906, 0x8907):
        return None
    if " err=ENOENT " not in udp:
        return None
    if step.words[2][0] == "!":
        return Answer(failed(step, "EFAULT", "stamp=no"))
    return Answer("%d ioctl ret=0 stamp=yes" % step.index)


@rule
def path_mtu(story, step, udp):
    """A look at the queue for strays takes the notice for IPV6_RECVPATHMTU"""
    if not step.call.startswith("re"):
        return None
    asked = sent = looked = False
    for before, line in story.until(step.index):
        asked |= option_of(before) == (IPPROTO_IPV6, IPV6_RECVPATHMTU)
        sent |= before.call in SENDS and (
            " err=EMSGSIZE" in line or before.call == "sendmmsg")
        looked |= sent and (before.call in LOOKS or
                            before.call.startswith("re"))
    return Anything() if asked and looked else None


@rule
@lite_too
def length_behind_error(story, step, udp):
    """Nothing is for certain of what is queued while an error is pending"""
    if step.call != "ioctl" or step.number(1) != FIONREAD:
        return None
    if not any(before.call in SENDS for before, _ in story.until(step.index)):
        return None
    return Answer("%d ioctl ret=0 data=00000000" % step.index)


def is_cut_long(story, length):
    """Whether a datagram travels in fragments of IPv6 whose size the kernel can't
    say: 65,536 is 0 to it. So it says the size of the last one"""
    return (story.has_ipv6 and story.mtu > 65535 and
            length > story.mtu - IPV6_HEADERS - HEADER)


@rule
@lite_too
def fragment_size(story, step, udp):
    """What does not fit a frame any more has a size of its fragments, and only
    the first of them comes back with the time at which it was sent. Without the
    header that one is shorter"""
    if not step.call.startswith("recv"):
        return None
    asked = sent = cut = False
    for before, _ in story.until(step.index):
        cut |= before.call in SENDS and any(
            length > story.mtu - IP_HEADERS - HEADER
            for length in lengths_of(before))
        asked |= option_of(before) in ((IPPROTO_IP, IP_RECVFRAGSIZE),
                                       (IPPROTO_IPV6, IPV6_RECVFRAGSIZE),
                                       (SOL_SOCKET, SO_TIMESTAMPING),
                                       (SOL_SOCKET, SO_TIMESTAMPING_NEW))
        sent |= before.call in SENDS and any(
            near_a_limit(story, before, length) or is_cut_long(story, length)
            for length in lengths_of(before))
    if asked and cut and "data=frame" in udp:
        return Answer(re.sub(r"ret=(\d+)", lambda found: "ret=%d" %
                             (int(found[1]) - HEADER), udp, count=1),
                      ends=sent)
    return Anything() if asked and sent else None


@rule
@lite_too
def drop_count(story, step, udp):
    """The kernel counts a datagram that a receive into bad memory loses"""
    if not step.call.startswith("recv"):
        return None
    asked = lost = False
    for before, line in story.until(step.index):
        asked |= option_of(before) == (SOL_SOCKET, SO_RXQ_OVFL)
        lost |= before.call.startswith("re") and " err=EFAULT" in line
    return Anything() if asked and lost else None


class NoOrigin(Answer):
    """None of a payload of less than four bytes, and what follows from that:
    the same but for what control messages there are"""

    def __init__(self, line):
        Answer.__init__(self, line, ends=True)

    def plain(self, line):
        line = re.sub(r" \{(0:20|0:11|41:74|41:25):[^}]*\}", "", line)
        line = re.sub(r" clen=\d+", "", line)
        return re.sub(r" flags=20([02])[08]", r" flags=20\1_", line)

    def fits(self, line):
        return any(self.plain(one) == self.plain(line) for one in self.lines)


def reads_errors(step):
    return (step.call in ("recvmsg", "recvmmsg") and
            bool(step.number(1 if step.call == "recvmsg" else 2) &
                 MSG_ERRQUEUE))


@rule
def port_in_an_error(story, step, udp):
    """IP_ORIGDSTADDR of an ICMP error takes the third and the fourth byte behind
    the UDP header for a port: there are the header's version and flags"""
    if "{0:20:" in udp or "{41:74:" in udp:
        return Origin(udp)
    asked = any(before.call == "setsockopt" and
                option_of(before) in ((IPPROTO_IP, IP_RECVORIGDSTADDR),
                                      (IPPROTO_IPV6, IPV6_RECVORIGDSTADDR))
                for before, _ in story.until(step.index))
    return NoOrigin(udp) if asked and reads_errors(step) else None


@rule
@lite_too
def ip_checksum(story, step, udp):
    """What the control message has is the sum of the UDP datagram"""
    asked = any(option_of(before) == (IPPROTO_IP, IP_CHECKSUM) and
                before.call == "setsockopt"
                for before, _ in story.until(step.index))
    return Anything() if asked and step.call.startswith("recv") else None


# ---- ports ----------------------------------------------------------------------


def port_asked_for(step, ports):
    """By a bind, in the words of the tape"""
    words = step.words[1].split(",")
    if step.call != "bind" or len(words) < 4:
        return None
    if words[2][0] == "@":
        return ports.get(int(words[2][1:]))
    return words[2]


@rule_but_adopted
def port_rule(story, step, udp):
    if step.call != "bind" or not succeeded(udp):
        return None
    ports = story.held_ports(step.index)
    port = port_asked_for(step, ports)
    if port in (None, "0") or port not in ports.values():
        return None
    return Answer(failed(step, "EADDRINUSE"), ends=True)


# ---- UDP-Lite, beside the kernel's own ---------------------------------------------

IPV6_DONTFRAG = 62
UDPLITE_HEADER = 8


class Refusal(Answer):
    """The call fails with an error, whatever else it says"""

    def __init__(self, err):
        Answer.__init__(self, ends=True)
        self.err = " err=%s" % err

    def fits(self, line):
        return self.err in line


@rule_of_lite
def lite_parts(story, step, udp):
    """A checksum needs the whole datagram, so none is sent in parts"""
    return Refusal("EOPNOTSUPP") if sends_more(step) else None


@rule_of_lite
def lite_segments(story, step, udp):
    """The kernel takes UDP_SEGMENT, but cuts nothing that has a checksum of its own"""
    if option_of(step) == (IPPROTO_UDP, UDP_SEGMENT):
        return Refusal("ENOPROTOOPT")
    if step.call in SENDS and list(cut_sizes(story, step.index + 1)):
        return Anything()
    return None


@rule_of_lite
def lite_filter(story, step, udp):
    """A filter would see another datagram than the program"""
    if (step.call == "setsockopt" and
            option_of(step) == (SOL_SOCKET, SO_ATTACH_FILTER)):
        return refused(step, "EINVAL", udp)
    return None


@rule_of_lite
def lite_error_queue(story, step, udp):
    """What was sent does not come back with the error"""
    flags = {"recv": 2, "recvfrom": 2, "recvmsg": 1, "recvmmsg": 2}
    reads = (step.call in flags and
             step.number(flags[step.call]) & MSG_ERRQUEUE)
    return Anything() if reads else None


@rule_of_lite
def lite_dontfrag(story, step, udp):
    """The kernel's UDP-Lite ignores IPV6_DONTFRAG; UDP around it does not, and tells
    the MTU if it is asked for it"""
    before = story.steps[:step.index + 1]
    asked = any(option_of(one) == (IPPROTO_IPV6, IPV6_DONTFRAG) or
                any(re.search(r"(^|;)41:62:", word) for word in one.words)
                for one in before if one.call != "getsockopt")
    if asked and step.call == "sendmmsg":
        return Anything()
    if asked and sees_queue(step) and any(
            option_of(one) == (IPPROTO_IPV6, IPV6_RECVPATHMTU)
            for one in before):
        return Anything()
    return Refusal("EMSGSIZE") if asked and step.call in SENDS else None


class Destinations(Answer):
    """The same but for where messages say that a datagram was sent to"""

    def plain(self, line):
        return re.sub(r"(\{(?:0:8|41:50):\d+ =)\w+", r"\1", line)

    def fits(self, line):
        return any(self.plain(one) == self.plain(line) for one in self.lines)


@rule_of_lite
def lite_pktinfo(story, step, udp):
    """Of a datagram from before IP_PKTINFO the kernel does not know the interface"""
    return Destinations(udp) if step.call.startswith("recv") else None


@rule_of_lite
def lite_same_names(story, step, udp):
    """Where two sockets have the same port and peer, UDP gives a datagram to another
    one of them than UDP-Lite"""
    shared = [before for before, line in story.until(step.index)
              if option_of(before) in ((SOL_SOCKET, SO_REUSEADDR),
                                       (SOL_SOCKET, SO_REUSEPORT))]
    connected = [before for before, line in story.until(step.index)
                 if before.call == "connect" and succeeded(line)]
    return Anything() if len(shared) > 1 and len(connected) > 1 else None


@rule_of_lite
def lite_failed_connect(story, step, udp):
    """After a connect() that fails, the kernel writes that peer's address into the IP
    header of datagrams to the peer from before, and takes them back by the device lo"""
    connects = [(before, line) for before, line in story.until(step.index)
                if before.call == "connect"]
    return (Anything() if any(succeeded(line) for _, line in connects) and
            not all(succeeded(line) for _, line in connects) else None)


@rule_of_lite
def lite_broadcast(story, step, udp):
    """UDP does not look at SO_BROADCAST again once a socket is connected"""
    cleared = any(option_of(before) == (SOL_SOCKET, SO_BROADCAST) and
                  before.call == "setsockopt"
                  for before in story.steps[:step.index])
    return (Anything() if cleared and step.call in SENDS and
            " err=EACCES" in udp else None)


LITE_OPTIONS = ((136, 10), (136, 11), (IPPROTO_UDP, 10), (IPPROTO_UDP, 11),
                (IPPROTO_IP, 8), (IPPROTO_IPV6, 49))


@rule_of_lite
def lite_options_between_processes(story, step, udp):
    """Coverages and IP_PKTINFO are known to the process that has set them"""
    if not story.is_shared(step):
        return None
    socket = story.sockets(step.index + 1)
    by = {socket(before.index): before.actor
          for before, line in story.until(step.index)
          if before.call == "setsockopt" and succeeded(line) and
          option_of(before) in LITE_OPTIONS}
    return (Anything() if by.get(socket(step.index), step.actor) != step.actor
            else None)


@rule_of_lite
def lite_names_between_processes(story, step, udp):
    """A process that sends from a socket which another process has bound or connected
    does not know from which address"""
    if not story.is_shared(step):
        return None
    socket = story.sockets(step.index + 1)
    named = {}
    for before, line in story.until(step.index + 1):
        sock = socket(before.index)
        if before.call in ("bind", "connect") and succeeded(line):
            named[sock] = before.actor
        elif (before.call in SENDS and
              named.get(sock, before.actor) != before.actor):
            return Anything()
    return None


@rule_of_lite
def lite_coverage_later(story, step, udp):
    """The kernel judges by UDPLITE_RECV_CSCOV when a datagram comes, the library when
    the program receives it: as soon as the option is changed, that differs"""
    sent = False
    for before, line in story.until(step.index):
        sent |= before.call in SENDS
        if (sent and before.call == "setsockopt" and succeeded(line) and
                option_of(before) in ((136, 11), (IPPROTO_UDP, 11))):
            return Anything()
    return None


WAITS = ("poll", "ppoll", "select", "epoll_wait")


@rule_of_lite
def lite_poll(story, step, udp):
    """A datagram that UDPLITE_RECV_CSCOV refuses ends a wait of epoll, or with
    O_NONBLOCK"""
    refuses = any(before.call == "setsockopt" and succeeded(line) and
                  option_of(before) in ((136, 11), (IPPROTO_UDP, 11))
                  for before, line in story.until(step.index))
    return Anything() if refuses and step.call in WAITS else None


@rule_of_lite
def lite_beside_udp(story, step, udp):
    """UDP-Lite in UDP shares its ports with UDP"""
    return (Anything() if any(before.call == "socket" and
                              before.words[2] != "own"
                              for before in story.steps[:step.index + 1])
            else None)


def use_udplite():
    """UDP-Lite's header is that of the kernel's, but below UDP's"""
    global HEADER, COP_MAX
    HEADER = UDPLITE_HEADER
    COP_MAX = UDP_MAX - HEADER


def explain(story, index, udp, cop):
    """The name of the rule that explains a difference and whether the
    comparison ends there, or None"""
    step = story.steps[index]
    for name in names(story.adopted, story.udplite):
        answer = RULES[name](story, step, udp)
        if answer and answer.fits(cop):
            return name, answer.ends
    return None
