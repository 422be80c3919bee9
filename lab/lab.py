# SPDX-License-Identifier: MIT
"""lab.py - what the checks of all exercises use.

A check is a function with @check above it. It raises Wrong with a sentence, mostly by
expect(), if the student's transport does not do what the check's title says. Each check
is run in a process of its own, with libcop.so preloaded and the student's folder in
COP_MODULES, so socket(AF_INET, TYPE, PROTOCOL) is the student's.
"""
import ctypes
import errno
import json
import os
import select
import socket
import subprocess
import sys
import traceback

SKIP = 77  # exit status of a check that this machine does not allow

LOCALHOST = "127.0.0.1"
QUEUES = 128

checks = {}  # by number


class Wrong(Exception):
    """The transport does not do what it should."""


class Skip(Exception):
    """The machine does not allow this check."""


class Check:
    """A check: its number, title and hint, and the checks that must hold first."""

    # pylint: disable=too-many-arguments,too-few-public-methods
    def __init__(self, number, title, hint, needs, function):
        self.number, self.title, self.hint = number, title, hint
        self.needs, self.function = needs.split(), function


def check(number, title, hint, needs="1.3"):
    """Makes a check of a function."""
    def enter(function):
        checks[number] = Check(number, title, hint, needs, function)
        return function
    return enter


def expect(condition, sentence, *values):
    """The check fails with this sentence unless the condition is true."""
    if not condition:
        raise Wrong(sentence % values if values else sentence)


# ---- the student's transport ----------------------------------------------------


class Conf:
    """The folder's lab.conf: see transports/skeleton/lab.conf."""

    # pylint: disable=too-few-public-methods
    def __init__(self, path):
        values = {}
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                name, _, value = line.split("#")[0].partition("=")
                if value:
                    values[name.strip()] = [int(v, 0) for v in value.split()]
        self.type, = values["type"]
        self.protocol, = values["protocol"]
        self.header, = values["header"]
        self.magic = values.get("magic")  # offset, value
        self.source = values.get("source")
        self.dest = values.get("dest")
        self.seq = values.get("seq")  # offset, size
        self.tstamp = values.get("tstamp")

    def magic_size(self):
        """Bytes of the magic number"""
        return max(1, (self.magic[1].bit_length() + 7) // 8)


conf = None  # main() and check.py read it


def folder():
    """The student's folder"""
    return os.environ["LAB_DIR"]


def module():
    """The file that socket(AF_INET, TYPE, PROTOCOL) loads"""
    return os.path.join(folder(), "net-pf-2-proto-%d-type-%d.so" % (
        conf.protocol, conf.type))


def sock(family=socket.AF_INET, protocol=None):
    """A socket of the student's transport"""
    one = socket.socket(family, conf.type,
                        conf.protocol if protocol is None else protocol)
    one.settimeout(2)
    return one


def bound(address=LOCALHOST, port=0):
    """A socket of the student's transport, with a port"""
    one = sock()
    one.bind((address, port))
    return one


def port_of(one):
    """A socket's own port"""
    return one.getsockname()[1]


def udp():
    """A plain UDP socket: it sees headers, and sends datagrams without any"""
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((LOCALHOST, 0))
    one.settimeout(2)
    return one


candidates = iter(range(10000 + os.getpid() % 10000, 32000))


def free_port():
    """A port that nothing on this machine has, below those of port 0; each time another
    one"""
    for port in candidates:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            try:
                one.bind(("", port))
            except OSError:
                continue
            return port
    raise Skip("no port is free")


def port_range():
    """The first and the last port that port 0 may give"""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as line:
        low, high = line.read().split()
    return int(low), int(high)


def error_of(function, *args):
    """The error of a call by its name, "no error" if it has none"""
    try:
        function(*args)
    except OSError as error:
        if isinstance(error, TimeoutError):
            return "EAGAIN"
        return errno.errorcode.get(error.errno, str(error))
    return "no error"


def expect_error(name, what, function, *args):
    """A call must fail with this error"""
    got = error_of(function, *args)
    expect(got == name, "%s gives %s and not %s", what, got, name)


def disconnect(one):
    """connect() to an address of the family AF_UNSPEC, which Python does not have"""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.connect(one.fileno(), bytes(16), 16):
        raise OSError(ctypes.get_errno(), "connect() with AF_UNSPEC")


def readable(one, milliseconds=0):
    """Whether poll() says that there is something to receive"""
    poll = select.poll()
    poll.register(one, select.POLLIN)
    return bool(poll.poll(milliseconds))


def on_the_wire(count=1, payload=b"payload"):
    """What a socket of the transport sends, with the header, as UDP sees it. Returns
    the datagrams, the sender's port and the receiver's."""
    sender, receiver = bound(), udp()
    datagrams = []
    for _ in range(count):
        sender.sendto(payload, receiver.getsockname())
        datagrams.append(receiver.recv(65536))
    return datagrams, port_of(sender), port_of(receiver)


def field(datagram, at, size):
    """A number of the header, in network order"""
    return int.from_bytes(datagram[at:at + size], "big")


def stats(kind):
    """The lines of COP_STATS of this kind, "socket" or "flow"; sockets that are closed
    have theirs"""
    lines = []
    if os.path.exists(os.environ["COP_STATS"]):
        with open(os.environ["COP_STATS"], encoding="utf-8") as text:
            lines = [json.loads(line) for line in text]
    return [line for line in lines if line["type"] == kind]


# ---- processes -------------------------------------------------------------------


def plain(*argv, **more):
    """Runs a program without libcop. Its outputs are text."""
    env = {name: value for name, value in os.environ.items()
           if not name.startswith(("COP_", "LD_", "MAKE", "MFLAGS"))}
    return subprocess.run(argv, env=env, text=True, errors="replace", check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)


def python(code, before=(), **variables):
    """Runs Python code in another process with libcop. TYPE and PROTOCOL in it are the
    student's, and socket is imported. Returns its outputs as one text; the check ends
    here if the process crashes."""
    variables = {"COP_MODULES": folder(), "LD_PRELOAD": os.environ["LD_PRELOAD"],
                 **variables}
    env = [name + "=" + value for name, value in variables.items()]
    head = "import socket\nTYPE, PROTOCOL = %d, %d\n" % (conf.type, conf.protocol)
    done = plain(*before, "env", *env, sys.executable, "-S", "-E", "-c", head + code)
    if done.returncode < 0 or done.returncode > 128:
        sys.exit(1)  # crash.c has said where
    expect(not done.returncode, "%s", done.stdout.strip())
    return done.stdout


def run(number):
    """Runs one check in this process. Returns the exit status and a sentence."""
    try:
        checks[number].function()
    except Wrong as wrong:
        return 1, str(wrong)
    except Skip as skip:
        return SKIP, str(skip)
    except OSError as error:
        here = os.path.dirname(__file__)
        line = [frame.line for frame in traceback.extract_tb(error.__traceback__)
                if os.path.dirname(frame.filename) == here][-1]
        return 1, "%s: %s" % (line, error)
    return 0, ""


def main():
    """Each exercise ends with it: exerciseN.py NUMBER runs one check. The module's exit
    is not run here: a fault in it is for check 1.4 alone."""
    global conf  # pylint: disable=global-statement
    conf = Conf(os.path.join(folder(), "lab.conf"))
    status, sentence = run(sys.argv[1])
    with open(os.environ["LAB_RESULT"], "w", encoding="utf-8") as result:
        result.write(sentence)
    sys.stdout.flush()
    os._exit(status)
