# SPDX-License-Identifier: MIT
"""check.py - runs the checks of the lab on a student's folder.

Each check is a process of its own, with a time limit. This program starts it, prints
whether it holds, and if the module crashed or hangs, in which function. It exits with 0
if all checks hold, with 1 if one does not, with 2 if it can't run.
"""
import argparse
import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap

import lab

EXERCISES = 5
SECONDS = 15  # that a check may take
WIDTH = 88


class Crash:
    """What crash.c says: the signal, and the frames, the innermost first."""

    def __init__(self, text, folder, library):
        self.folder, self.library = folder, library
        reports = re.split(r"^(?=signal )", text, flags=re.M)[1:]
        for report in reports:  # of several processes that hang one has the module
            head, *lines = report.splitlines()
            self.signal, self.address = head.split()[1:3]
            self.frames = [line.split(" ", 2)[1:] for line in lines]
            if self.first(self.is_ours) is not None:
                break

    def is_ours(self, path):
        """Whether a file is a module of the student's folder."""
        return os.path.dirname(os.path.realpath(path)) == self.folder

    def first(self, belongs):
        """The index of the innermost frame in such a file, or None."""
        return next((i for i, (_, path) in enumerate(self.frames) if belongs(path)), None)

    def place(self, index):
        """Function, file and line of a frame. A function of cop_transport.h is inline:
        the caller is meant."""
        offset, path = self.frames[index]
        done = subprocess.run(["addr2line", "-f", "-i", "-e", path, "0x" + offset],
                              capture_output=True, text=True, check=False)
        lines = done.stdout.splitlines()
        for function, line in zip(lines[::2], lines[1::2]):
            name = os.path.basename(line).split(" ")[0]
            if function != "??" and not name.startswith("cop_transport.h"):
                return "%s() at %s" % (function, name)
        return "a function of " + os.path.basename(path)

    def what(self, hangs):
        """What happened, without the place."""
        if hangs:
            return "after %d seconds it was" % SECONDS
        name = signal.Signals(int(self.signal)).name
        if name in ("SIGSEGV", "SIGBUS"):
            return "%s at address %s," % (name, "0" if self.address == "(nil)"
                                          else self.address)
        return name

    def sentence(self, hangs):
        """Whose fault it is, and where."""
        ours = self.first(self.is_ours)
        libcops = self.first(lambda path: os.path.realpath(path) == self.library)
        what = self.what(hangs)
        if ours is None and libcops is None:
            return what + " neither in your module nor in libcop" + (
                "" if hangs else ": was the stack overwritten?")
        if ours is None:
            return "%s in libcop itself, in %s. No function of your module is on the" \
                " stack, so it is probably no fault of yours: please report it." % (
                    what, self.place(libcops))
        module = os.path.basename(os.path.realpath(self.frames[ours][1]))
        text = "%s in your module %s, in %s" % (what, module, self.place(ours))
        if libcops is not None and libcops < ours:
            text += ", which called %s of libcop" % self.place(libcops)
            text += "" if hangs else ". Look at the arguments."
        elif ours:
            text += ", which called %s" % os.path.basename(self.frames[0][1])
        return text


class Runner:
    """Runs single checks, and prints how they end."""

    def __init__(self, options, scratch):
        self.options, self.scratch = options, scratch
        self.folder = os.path.realpath(options.folder)
        self.library = os.path.realpath(options.lib)
        self.holds = {}  # whether a check holds, by its number

    def file(self, name):
        """A file that a check writes; the last check's is gone."""
        path = os.path.join(self.scratch, name)
        if os.path.exists(path):
            os.unlink(path)
        return path

    def environment(self):
        """The student's transport, and the files of the check."""
        env = {name: value for name, value in os.environ.items()
               if not name.startswith(("COP_", "LD_"))}
        env.update(LD_PRELOAD="%s:%s" % (self.library, os.path.abspath(
            self.options.crash)), COP_MODULES=self.folder, COP_STATS=self.file("s.jsonl"),
                   LAB_DIR=self.folder, LAB_INCLUDE=os.path.abspath(self.options.include),
                   LAB_CRASH=self.file("crash"), LAB_RESULT=self.file("result"))
        return env

    def read(self, name):
        """What a check wrote"""
        path = os.path.join(self.scratch, name)
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as text:
            return text.read()

    def end(self, child):
        """Ends a check that hangs: crash.c says where at SIGTRAP."""
        for sig in signal.SIGTRAP, signal.SIGKILL:
            os.killpg(child.pid, sig)
            try:
                child.wait(2)
                return
            except subprocess.TimeoutExpired:
                pass

    def start(self, number):
        """Runs a check. Returns how it ends, and a sentence."""
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                              "exercise%s.py" % number.split(".")[0])
        with tempfile.TemporaryFile() as output, subprocess.Popen(
                [sys.executable, "-B", "-S", "-E", script, number],
                env=self.environment(), stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True) as child:
            try:
                status, hangs = child.wait(SECONDS), False
            except subprocess.TimeoutExpired:
                self.end(child)
                status, hangs = -1, True
            output.seek(0)
            return self.verdict(status, hangs, output.read(4000).decode(errors="replace"))

    def verdict(self, status, hangs, output):
        """How a check ends: holds, SKIPPED, NO, CRASH or HANGS."""
        report = self.read("crash")
        if "frame" in report:
            return ("HANGS" if hangs else "CRASH",
                    Crash(report, self.folder, self.library).sentence(hangs))
        if hangs:
            return "HANGS", "it took longer than %d seconds" % SECONDS
        if status < 0:
            return "CRASH", "%s, at an unknown place" % signal.Signals(-status).name
        if status == lab.SKIP:
            return "skipped", self.read("result")
        if status:
            return "NO", self.read("result") or output.strip()
        return "yes", ""

    def run(self, number):
        """Runs a check unless another one must hold first."""
        one = lab.checks[number]
        missing = [need for need in one.needs if not self.holds.get(need)]
        if missing:
            self.holds[number] = False
            show("-", number, one.title, "first: " + ", ".join(missing))
            return
        how, sentence = self.start(number)
        self.holds[number] = how in ("yes", "skipped")
        hint = "" if self.holds[number] else "hint: " + " ".join(one.hint.split())
        show(how, number, one.title, sentence, hint)


def show(how, number, title, *sentences):
    """Prints how a check ends."""
    print("  %-7s %-5s %s" % (how, number, title))
    for sentence in sentences:
        for line in sentence.splitlines():
            print(textwrap.fill(line, WIDTH, initial_indent=" " * 16,
                                subsequent_indent=" " * 16))
    sys.stdout.flush()


def wanted(numbers, options):
    """The checks that the options ask for, and those that must hold first."""
    asked = [n for n in numbers if options.only in (None, n) and
             options.exercise in (None, int(n.split(".")[0]))]
    if not asked:
        print("check: there is no such exercise or check", file=sys.stderr)
        sys.exit(2)
    needed = set()
    while asked:
        number = asked.pop()
        if number not in needed:
            needed.add(number)
            asked += lab.checks[number].needs
    return needed


def in_order(numbers):
    """In the order of the exercises, but behind what must hold first."""
    done = []

    def put(number):
        for need in lab.checks[number].needs:
            put(need)
        if number not in done:
            done.append(number)

    for number in sorted(numbers, key=lambda n: [int(part) for part in n.split(".")]):
        put(number)
    return done


def usable(options):
    """Says what is missing, or reads the folder's lab.conf."""
    for path, why in ((options.lib, "build libcop first, or name PREFIX"),
                      (options.folder, "which folder is meant?"),
                      (os.path.join(options.folder, "lab.conf"),
                       "copy it from transports/skeleton, and change it")):
        if not os.path.exists(path):
            return "there is no %s: %s" % (path, why)
    if re.search(r"[ :]", os.path.realpath(options.lib) + os.path.realpath(options.crash)):
        return "LD_PRELOAD can't name a file with a space or a colon in its path"
    for program in "make", "nm", "addr2line":
        if not shutil.which(program):
            return "the lab needs %s" % program
    try:
        lab.conf = lab.Conf(os.path.join(options.folder, "lab.conf"))
    except (KeyError, ValueError) as error:
        return "lab.conf: %s is missing or wrong" % error
    return None


def options_of(args):
    """The command line"""
    parser = argparse.ArgumentParser()
    for name in "lib", "include", "crash":
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--exercise", type=int)
    parser.add_argument("--only")
    parser.add_argument("--from", dest="start", default=".")
    parser.add_argument("folder")
    options = parser.parse_args(args)
    options.folder = os.path.join(options.start, os.path.expanduser(options.folder))
    return options


def main():
    """As the first lines say."""
    options = options_of(sys.argv[1:])
    fault = usable(options)
    if fault:
        print("check: " + fault, file=sys.stderr)
        return 2
    titles = {}
    for number in range(1, EXERCISES + 1):
        titles[str(number)] = importlib.import_module("exercise%d" % number).__doc__
    with tempfile.TemporaryDirectory() as scratch:
        runner = Runner(options, scratch)
        last = None
        for number in in_order(wanted(list(lab.checks), options)):
            exercise = number.split(".", maxsplit=1)[0]
            if exercise != last and exercise in titles:
                print(titles.pop(exercise))
                last = exercise
            runner.run(number)
    held = sum(runner.holds.values())
    print("%d of %d checks hold" % (held, len(runner.holds)))
    return 0 if held == len(runner.holds) else 1


if __name__ == "__main__":
    sys.exit(main())
