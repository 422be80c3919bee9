# SPDX-License-Identifier: MIT
"""play.py - play scripts on UDP and on COP, and compare what they come to"""
import os
import subprocess

import rules
from script import text_of

NO_NETWORK = 77


class NoNetwork(Exception):
    """There is no network namespace to be had"""


class Player:
    """How scripts are played: the program, and the library for COP; on UDP
    that the library adopts, if that is asked for"""

    KINDS = ("udp", "cop")  # what is compared

    def __init__(self, program, library, adopt=None, udplite=None):
        self.program = program
        self.library = library
        self.adopt = adopt
        self.udplite = udplite  # the module, beside the kernel's own
        self.net = None  # of all scripts, or of each its own
        self.steady = False  # UDP is compared with itself

    def command(self, program, kind):
        """The words of a program's command on either of KINDS, and its
        environment"""
        env = dict(os.environ)
        for name in ("LD_PRELOAD", "COP_ADOPT", "COP_DEBUG", "COP_STATS"):
            env.pop(name, None)
        env.pop("COP_LOAD", None)
        if self.udplite:
            if kind == "cop" and not self.steady:
                env["LD_PRELOAD"], env["COP_LOAD"] = self.library, self.udplite
            kind = "udplite"
        elif kind == "cop" and self.steady:
            kind = "udp"
        elif kind == "cop":
            env["LD_PRELOAD"] = self.library
            if self.adopt:
                kind, env["COP_ADOPT"] = "udp", self.adopt
        return [program, kind], env

    def start(self, kind):
        words, env = self.command(self.program, kind)
        return subprocess.Popen(words, env=env, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def play(self, kind, texts):
        """The tape of each script: a list of lists of lines"""
        child = self.start(kind)
        out, err = child.communicate("".join(texts).encode())
        if child.returncode == NO_NETWORK:
            raise NoNetwork(err.decode().strip())
        if child.returncode:
            raise RuntimeError("player ended with %d %s" %
                               (child.returncode, err.decode()))
        tapes = out.decode().split("script ")[1:]
        if len(tapes) != len(texts):
            raise RuntimeError("%d tapes of %d" % (len(tapes), len(texts)))
        return [tape.split("\n")[1:-1] for tape in tapes]


class Case:
    """A script in the form in which it is played"""

    def __init__(self, number, mtu, rights, net, steps):
        self.number = number
        self.mtu = mtu
        self.rights = rights
        self.net = net
        self.steps = steps

    def text(self):
        return text_of(self.number, self.mtu, self.rights, self.net,
                       self.steps)

    def with_steps(self, steps):
        return Case(self.number, self.mtu, self.rights, self.net, steps)

    @staticmethod
    def parse(text):
        lines = text.strip().split("\n")
        number, mtu, rights, net = (lines[0].split() + ["4"])[1:5]
        return Case(int(number), int(mtu), int(rights), net, lines[1:-1])


class Difference:
    """One that no rule explains"""

    def __init__(self, case, index, udp, cop):
        self.case = case
        self.index = index  # of the step, or None
        self.udp = udp
        self.cop = cop

    def step(self):
        return self.case.steps[self.index] if self.index is not None else ""

    def outcome(self, line):
        words = line.split()
        return " ".join([word for word in words[1:4]
                         if word.startswith(("ret=", "err=", "touched="))
                         and not word.startswith(("ret=0", "ret=1", "ret=2"))])

    def kind(self):
        """What it is a difference of: one of each kind is reported"""
        words = self.step().split()
        call = words[1] if words else "end"
        name = " ".join(words[3:5]) if "sockopt" in call else ""
        if call == "ioctl":
            name = words[3]
        return " ".join([call, name, self.outcome(self.udp), "/",
                         self.outcome(self.cop)])


def calls_of(tape):
    return [line for line in tape if line[0] != "#"]


def compare(case, udp, cop, used=None, adopt=None, udplite=None):
    """The first Difference between two tapes, or None"""
    ours, theirs = calls_of(cop), calls_of(udp)
    if ours == theirs:
        return None
    story = rules.Story(case.mtu, case.steps, udp, bool(adopt or udplite),
                        bool(udplite))
    for one, other in zip(theirs, ours):
        if one == other:
            continue
        number, _, _ = one.partition(" ")
        index = int(number) if number.isdigit() else None
        if index is None or not other.startswith(number + " "):
            return Difference(case, index, one, other)
        explained = rules.explain(story, index, one, other)
        if not explained:
            return Difference(case, index, one, other)
        if used is not None:
            used[explained[0]] = used.get(explained[0], 0) + 1
        if explained[1]:
            return None
    if len(ours) != len(theirs):
        return Difference(case, None, theirs[-1], ours[-1])
    return None


def differences(player, cases, used=None):
    """Of each case its Difference, or None"""
    texts = [case.text() for case in cases]
    udp = player.play("udp", texts)
    cop = player.play("cop", texts)
    return [compare(*three, used, player.adopt, player.udplite)
            for three in zip(cases, udp, cop)]


# ---- the shortest script that still shows it --------------------------------------


def without(steps, start, count):
    return steps[:start] + steps[start + count:]


def shrink_by(player, diff, count):
    """Try to leave out any count steps in a row; the Difference that is left,
    and whether it is of a shorter script"""
    steps = diff.case.steps
    tries = [diff.case.with_steps(without(steps, start, count))
             for start in range(0, len(steps), count)]
    for found in differences(player, tries):
        if found and found.kind() == diff.kind():
            return found, True
    return diff, False


def shrink(player, diff):
    # what comes after it does not matter
    if diff.index is not None:
        steps = diff.case.steps[:diff.index + 1]
        found = differences(player, [diff.case.with_steps(steps)])[0]
        if found and found.kind() == diff.kind():
            diff = found
    count = max(1, len(diff.case.steps) // 2)
    while True:
        diff, shorter = shrink_by(player, diff, count)
        if not shorter and count == 1:
            return diff
        if not shorter:
            count //= 2
        count = max(1, min(count, len(diff.case.steps) - 1))
