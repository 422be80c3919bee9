# SPDX-License-Identifier: MIT
"""Programs are started, in each way that subprocess has; the sockets of who
starts them stay what they are."""

import os
import socket
import subprocess
import sys

kind = {"udp": (socket.AF_INET, socket.SOCK_DGRAM, 0),
        "cop": (socket.AF_INET, 7, 253),
        "skeleton": (socket.AF_INET, 8, 254)}[sys.argv[1]]


def make():
    sock = socket.socket(*kind)
    sock.bind(("127.0.0.1", 0))
    sock.settimeout(5)
    return sock


def expect_working(what):
    """Both ways, of the right type, and still holding the port."""
    for source, to in (one, two), (two, one):
        source.sendto(what.encode(), to.getsockname())
        data, sender = to.recvfrom(100)
        print(data.decode(), sender == source.getsockname(),
              to.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == kind[1])
    other = socket.socket(*kind)
    try:
        other.bind(one.getsockname())
    except OSError as error:
        print(error.strerror)
    other.close()


one, two = make(), make()
ways = {
    "plain": {},
    "passed": {"pass_fds": [one.fileno()]},
    "both passed": {"pass_fds": [one.fileno(), two.fileno()]},
    "kept open": {"close_fds": False},
    "as stdin": {"stdin": one},
    "as all": {"stdin": one, "stdout": two, "stderr": one},
    "forked": {"pass_fds": [one.fileno()], "preexec_fn": os.getpid},
    "session": {"pass_fds": [two.fileno()], "start_new_session": True},
}
for name, how in ways.items():
    print(name, subprocess.run(["/bin/sh", "-c", "exit 3"], **how).returncode)
    expect_working(name)

try:
    subprocess.run(["/nonexistent"], pass_fds=[one.fileno()])
except OSError as error:
    print(error.strerror)
expect_working("failed")

pid = os.posix_spawn("/bin/true", ["true"], {},
                     file_actions=[(os.POSIX_SPAWN_CLOSE, one.fileno()),
                                   (os.POSIX_SPAWN_DUP2, 0, two.fileno())])
print(os.waitpid(pid, 0)[1])
expect_working("posix_spawn")
os.system("exit 3")
expect_working("system")
os.popen("true").read()
expect_working("popen")
