# SPDX-License-Identifier: MIT
"""lossy.py - a client and a server on both sides of scripts/relay.py.

lossy.py TYPE PROTOCOL N RELAY [OPTION...] sends N numbered datagrams through the
relay with these options. The server answers the last one, or each of them if --both
is among the options. It prints which numbers arrived, in their order; then the
numbers of the answers; then what the relay says.

The server is another process, so that each end has figures of its own.
"""
import os
import select
import signal
import socket
import subprocess
import sys

kind, protocol, count = (int(arg) for arg in sys.argv[1:4])
relay, options = sys.argv[4], sys.argv[5:]
QUIET = 1.0  # seconds after which nothing more comes


def plain(*argv, **more):
    """Starts a program without the library."""
    env = {name: value for name, value in os.environ.items()
           if not name.startswith(("COP_", "LD_"))}
    # pylint: disable=consider-using-with
    return subprocess.Popen(argv, env=env, **more)


def free_port():
    """A port for the relay."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def receive(sock, answer):
    """The numbers that come until nothing comes any more."""
    numbers = []
    while select.select([sock], [], [], QUIET)[0]:
        data, peer = sock.recvfrom(100)
        numbers.append(int(data))
        if answer:
            sock.sendto(data, peer)
    return numbers


server = socket.socket(socket.AF_INET, kind, protocol)
server.bind(("127.0.0.1", 0))
port = free_port()
with plain(sys.executable, relay, str(port), str(server.getsockname()[1]), *options,
           stdout=subprocess.PIPE, text=True) as between:
    while ":%04X " % port not in open("/proc/net/udp", encoding="ascii").read():
        pass
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        server.close()
        client = socket.socket(socket.AF_INET, kind, protocol)
        client.connect(("127.0.0.1", port))
        for i in range(count):
            client.send(b"%d" % i)
            select.select([], [], [], 0.0005)
        os.write(writer, b"%a" % receive(client, False))
        client.close()
        os._exit(0)
    os.close(writer)
    print(*receive(server, "--both" in options))
    server.close()
    print(os.read(reader, 65536).decode())
    os.waitpid(child, 0)
    between.send_signal(signal.SIGTERM)
    print(between.stdout.read(), end="")
