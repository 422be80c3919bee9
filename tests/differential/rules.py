# SPDX-License-Identifier: MIT
"""rules.py - the differences between UDP and COP that are meant

Each is described in docs/DIFFERENCES.md under its name here. A rule is asked
about a call that came out differently. It says what COP's answer has to be if
the difference is the one it knows, or None. Where a difference has consequences
(a datagram that only one side has sent) the rule ends the comparison of the
script there.
"""
from script import (IPPROTO_IP, IPPROTO_UDP, MSG_MORE, SOL_SOCKET, SO_MEMINFO,
                    SO_NO_CHECK, SO_PEEK_OFF, SO_REUSEPORT, SO_ZEROCOPY)

HEADER = 16
UDP_MAX = 65507
COP_MAX = UDP_MAX - HEADER

SO_TYPE, SO_PROTOCOL, SO_ATTACH_BPF = 3, 38, 50
UDP_CORK = 1
IP_HEADERS = 28  # IP's and UDP's

RULES = {}


def rule(func):
    RULES[func.__name__] = func
    return func


class Answer:
    """What COP's line has to be, and whether the comparison ends there"""

    def __init__(self, *lines, ends=False):
        self.lines = lines
        self.ends = ends


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


class Story:
    """A script that has been played on UDP, up to one of its steps"""

    def __init__(self, mtu, steps, tape):
        self.mtu = mtu
        self.steps = [Step(i, text) for i, text in enumerate(steps)]
        self.tape = tape  # of UDP, with the lines about ports

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
                continue
            step = self.steps[int(number)]
            if succeeded(line):
                self.forget(step)
            yield step, line

    def forget(self, step):
        """A slot that gets another socket has no port until it is said"""
        if step.call == "close" and not self.is_shared(step):
            self.ports.pop(step.number(0), None)
        elif step.call == "socket":
            self.ports.pop(step.number(0), None)
        elif step.call in ("dup", "dup2", "dup3"):
            self.ports.pop(step.number(1), None)

    def is_shared(self, step):
        return any(s.call == "fork" for s in self.steps[:step.index])

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


@rule
def type_and_protocol(story, step, udp):
    if step.call != "getsockopt":
        return None
    if option_of(step) == (SOL_SOCKET, SO_TYPE):
        return Answer(udp.replace(" value=02", " value=07"))
    if option_of(step) == (SOL_SOCKET, SO_PROTOCOL):
        return Answer(udp.replace(" value=11", " value=fd"))
    return None


@rule
def udp_options(story, step, udp):
    option = option_of(step)
    if not option or option[0] != IPPROTO_UDP or option[1] == UDP_CORK:
        return None
    return refused(step, "ENOPROTOOPT", udp)


@rule
def no_check(story, step, udp):
    if (step.call, option_of(step)) == ("setsockopt",
                                        (SOL_SOCKET, SO_NO_CHECK)):
        return refused(step, "ENOPROTOOPT", udp)
    return None


@rule
def peek_off(story, step, udp):
    if option_of(step) == (SOL_SOCKET, SO_PEEK_OFF):
        return refused(step, "EOPNOTSUPP", udp)
    return None


@rule
def zerocopy(story, step, udp):
    if (step.call, option_of(step)) == ("setsockopt",
                                        (SOL_SOCKET, SO_ZEROCOPY)):
        return refused(step, "EOPNOTSUPP", udp)
    return None


@rule
def attach_bpf(story, step, udp):
    if (step.call, option_of(step)) == ("setsockopt",
                                        (SOL_SOCKET, SO_ATTACH_BPF)):
        return refused(step, "ENOPROTOOPT", udp)
    return None


# ---- lengths --------------------------------------------------------------------


def iovec_length(word):
    if word[0] == "x":
        return int(word[1:])
    if word[0] in "-!":
        return 0
    return sum(int(part.lstrip("oNOBK")) for part in word.split(","))


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


def near_a_limit(story, length):
    """Whether a payload fits only without the header"""
    return (COP_MAX < length <= UDP_MAX or
            story.mtu - IP_HEADERS - HEADER < length <= story.mtu - IP_HEADERS)


@rule
def payload_limit(story, step, udp):
    lengths = lengths_of(step)
    at = next((i for i, length in enumerate(lengths)
               if near_a_limit(story, length)), None)
    if at is None:
        return None
    if step.call == "sendmmsg" and at:
        words = udp.split()[3:]
        words[at:] = [str(0xa5a5)] * (len(words) - at)
        return Answer("%d sendmmsg ret=%d %s" % (step.index, at,
                                                 " ".join(words)), ends=True)
    more = [str(0xa5a5)] * len(lengths) if step.call == "sendmmsg" else []
    return Answer(failed(step, "EMSGSIZE", *more), ends=True)


# ---- ports ----------------------------------------------------------------------


def port_asked_for(step, ports):
    """By a bind, in the words of the tape"""
    words = step.words[1].split(",")
    if step.call != "bind" or len(words) < 4:
        return None
    if words[2][0] == "@":
        return ports.get(int(words[2][1:]))
    return words[2]


@rule
def port_rule(story, step, udp):
    if step.call != "bind" or not succeeded(udp):
        return None
    ports = story.held_ports(step.index)
    port = port_asked_for(step, ports)
    if port in (None, "0") or port not in ports.values():
        return None
    return Answer(failed(step, "EADDRINUSE"), ends=True)


def explain(story, index, udp, cop):
    """The name of the rule that explains a difference and whether the
    comparison ends there, or None"""
    step = story.steps[index]
    for name, func in RULES.items():
        answer = func(story, step, udp)
        if answer and cop in answer.lines:
            return name, answer.ends
    return None
