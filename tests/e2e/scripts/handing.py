# SPDX-License-Identifier: MIT
"""handing.py KIND HOW - hand sockets to programs that nobody recompiled

KIND is udp, cop or skeleton, and makes no difference to what is printed. HOW is the name
of a function below.
"""
import multiprocessing
import os
import socket
import struct
import subprocess
import sys
from multiprocessing.reduction import recv_handle, send_handle

PYTHON = "/usr/bin/python3"
TYPE = {"udp": (socket.SOCK_DGRAM, 17), "cop": (7, 253),
        "skeleton": (8, 254)}[sys.argv[1]]


def make():
    """Not by settimeout(), which makes it non-blocking for who inherits it."""
    sock = socket.socket(socket.AF_INET, *TYPE)
    sock.bind(("127.0.0.1", 0))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO,
                    struct.pack("ll", 10, 0))
    return sock


def pair():
    one, two = make(), make()
    one.connect(two.getsockname())
    two.connect(one.getsockname())
    return one, two


def is_kind(sock):
    return (sock.family, sock.type, sock.proto) == (socket.AF_INET, *TYPE)


def busy(sock):
    other = socket.socket(socket.AF_INET, *TYPE)
    with other:
        try:
            other.bind(sock.getsockname())
        except OSError as error:
            return error.strerror
    return "free"


def start(argv, **how):
    return subprocess.Popen(argv, stdout=how.pop("stdout", subprocess.PIPE),
                            **how)


def end(child):
    print("said", (child.communicate(timeout=20)[0] or b"").decode(),
          child.returncode)


def shell_reads(shell):
    """A shell reads what it can't seek in byte by byte."""
    one, two = pair()
    child = start([shell, "-c", 'read x; read y; echo "$x, $y"'], stdin=one)
    for byte in "one\ntwo\n":
        two.send(byte.encode())
    end(child)
    two.send(b"still here")
    print(one.recv(100))


def dash():
    shell_reads("dash")


def bash():
    shell_reads("bash")


def dash_writes():
    one, two = pair()
    end(start(["dash", "-c", "echo one; echo two >&0"], stdin=one, stdout=one))
    print(two.recv(100), two.recv(100))


def pipeline():
    """Through two shells, and to programs that read and write."""
    one, two = pair()
    number = one.fileno()
    child = start(["sh", "-c", f"sh -c 'dd bs=100 count=2 status=none <&{number}"
                   f" | dd bs=100 iflag=fullblock status=none >&{number}'"],
                  pass_fds=[number])
    two.send(b"one\n")
    two.send(b"two\n")
    print(two.recv(100))
    end(child)


def redirected():
    one, two = pair()
    two.send(b"to dd")
    end(start(["sh", "-c", f"exec 9<&{one.fileno()} {one.fileno()}<&-;"
               "dd bs=100 count=1 status=none <&9"], pass_fds=[one.fileno()]))


def socat():
    one, two = pair()
    two.send(b"to socat")
    end(start(["socat", "-u", f"FD:{one.fileno()},readbytes=8", "STDOUT"],
              pass_fds=[one.fileno()]))
    child = start(["socat", "-u", "STDIN", f"FD:{one.fileno()}"],
                  pass_fds=[one.fileno()], stdin=subprocess.PIPE)
    child.stdin.write(b"from socat")
    child.stdin.flush()
    print(two.recv(100))
    end(child)
    child = start(["socat", "-t", "0.1", f"FD:{one.fileno()},readbytes=6",
                   "EXEC:cat"], pass_fds=[one.fileno()])
    two.send(b"echoed")
    print(two.recv(100))
    end(child)


CHILD = """
import socket, sys
for number in map(int, sys.argv[1:]):
    sock = socket.socket(fileno=number)
    data, sender = sock.recvfrom(100)
    sock.sendto(data.upper(), sender)
    print(sock.family, sock.type == int(%d), sock.proto == %d, data)
""" % TYPE


def run_child(one, two, *numbers, **how):
    child = start([PYTHON, "-c", CHILD, *map(str, numbers)], **how)
    for text in ["first", "second"][:len(numbers)]:
        two.sendto(text.encode(), one.getsockname())
        print(*two.recvfrom(100)[:1])
    end(child)
    print(busy(one))


def inherited():
    one, two = make(), make()
    number = one.fileno()
    run_child(one, two, number, pass_fds=[number])
    run_child(one, two, 0, stdin=one)
    run_child(one, two, 0, number, stdin=one, pass_fds=[number])
    os.set_inheritable(number, True)
    run_child(one, two, number, close_fds=False)
    run_child(one, two, number, pass_fds=[number], preexec_fn=os.getpid)
    run_child(one, two, 2, stderr=one)


def activated():
    """As systemd does it: the sockets from descriptor 3 on."""
    os.open("/dev/null", os.O_RDONLY)  # so that 3 is none of them
    one, two = make(), make()
    os.dup2(one.fileno(), 3)
    listening = dict(os.environ, LISTEN_FDS="1", LISTEN_FDNAMES="cop")
    run_child(one, two, 3, pass_fds=[3], env=listening)
    name = one.getsockname()
    one.close()
    os.close(3)
    print(socket.socket(socket.AF_INET, *TYPE).bind(name))


def os_ways():
    one, two = make(), make()
    number = one.fileno()
    os.set_inheritable(number, True)
    argv = [PYTHON, "-c", CHILD, str(number)]
    for spawn in (lambda: os.spawnv(os.P_NOWAIT, PYTHON, argv),
                  lambda: os.posix_spawn(PYTHON, argv, os.environ),
                  lambda: os.posix_spawnp("python3", argv, os.environ)):
        sys.stdout.flush()
        pid = spawn()
        two.sendto(b"text", one.getsockname())
        reply = two.recv(100)
        status = os.waitpid(pid, 0)[1]
        print(reply, status)
    sys.stdout.flush()
    two.sendto(b"system", one.getsockname())
    print(os.system(f"dd bs=10 count=1 status=none <&{number}"))


RECEIVER = """
import socket, sys
link = socket.socket(fileno=int(sys.argv[1]))
_, numbers, _, _ = socket.recv_fds(link, 10, 10)
for number in numbers:
    sock = socket.socket(fileno=number)
    print(sock.family, sock.type == %d, sock.proto == %d)
    sock.sendto(b"sent on", sock.getsockname())
    print(sock.recv(100))
""" % TYPE


def send_fds():
    one, two = make(), make()
    link, theirs = socket.socketpair()
    child = start([PYTHON, "-c", RECEIVER, str(theirs.fileno())],
                  pass_fds=[theirs.fileno()])
    socket.send_fds(link, [b"x"], [one.fileno(), two.fileno()])
    end(child)
    socket.send_fds(link, [b"x"], [one.fileno()])
    again = socket.socket(fileno=socket.recv_fds(theirs, 10, 1)[1][0])
    print(is_kind(again), again.getsockname() == one.getsockname())
    name = one.getsockname()
    one.close()
    print(busy(again))
    again.close()
    last = socket.socket(socket.AF_INET, *TYPE)
    print(last.bind(name))


def serve(sock):
    data, sender = sock.recvfrom(100)
    print(is_kind(sock), data, flush=True)
    sock.sendto(data.upper(), sender)


def serve_handle(link):
    serve(socket.socket(fileno=recv_handle(link)))


def finish(process, one, two):
    two.sendto(b"text", one.getsockname())
    reply = two.recv(100)
    process.join()
    print(reply, process.exitcode, busy(one), flush=True)


def processes():
    """multiprocessing, whose sockets go over UNIX sockets but for fork."""
    one, two = make(), make()
    for method in "fork", "spawn", "forkserver":
        print(method, flush=True)
        context = multiprocessing.get_context(method)
        process = context.Process(target=serve, args=(one,))
        process.start()
        finish(process, one, two)
        link, theirs = context.Pipe()
        process = context.Process(target=serve_handle, args=(theirs,))
        process.start()
        send_handle(link, one.fileno(), process.pid)
        finish(process, one, two)


if __name__ == "__main__":
    globals()[sys.argv[2]]()
