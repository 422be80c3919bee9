#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bench_tunnel - how much gets through between two hosts, encrypted

Two network namespaces are the hosts, and a veth pair is the cable. iperf3 sends as
much as it can, by plain UDP, adopted on sealed, and by UDP through the kernel's own
wireguard, if the kernel has it. The sides take turns, A B C C B A; the ratio is the
median over all rounds of the ratio within a round.
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "8"))
PATIENCE = 30
CPUS = sorted(os.sched_getaffinity(0))[-2:]
LENGTH = "1360"  # both fit an Ethernet frame
SEALED = [os.environ["COP_BIN"], "run", "--adopt", "--transport", "sealed",
          "--modules", os.environ["COP_BENCH_SEALED"], "--key"]


def enter_namespace():
    """By a new start of this program"""
    if "BENCH_INSIDE" not in os.environ:
        os.environ["BENCH_INSIDE"] = "1"
        user = [] if os.getuid() == 0 else ["--map-root-user"]
        os.execvp("unshare", ["unshare", *user, "--net", "--mount", "--pid",
                              "--fork", "--kill-child", "--mount-proc",
                              sys.executable, *sys.argv])


def do(command, **more):
    return subprocess.run(command.split(), check=True, stdout=subprocess.PIPE,
                          **more).stdout.decode().strip()


class Hosts:
    """This namespace, and that of a process that sleeps"""

    def __init__(self):
        self.other = subprocess.Popen(["unshare", "--net", "sleep", "100000"])
        self.inside = "nsenter --net=/proc/%d/ns/net " % self.other.pid
        own = os.readlink("/proc/self/ns/net")
        while os.readlink("/proc/%d/ns/net" % self.other.pid) == own:
            time.sleep(0.01)
        do("ip link set lo up")
        do("ip link add v0 type veth peer name v1 netns %d" % self.other.pid)
        for where, name, address in (("", "v0", "10.0.0.1"),
                                     (self.inside, "v1", "10.0.0.2")):
            do(where + "ip address add %s/24 dev %s" % (address, name))
            do(where + "ip link set %s up" % name)

    def wireguard(self):
        """Returns whether there is a tunnel from 10.0.1.1 to 10.0.1.2"""
        if not shutil.which("wg") or subprocess.run(
                ["ip", "link", "add", "w0", "type", "wireguard"],
                stderr=subprocess.DEVNULL).returncode:
            return False
        do(self.inside + "ip link add w0 type wireguard")
        keys = [do("wg genkey") for _ in range(2)]
        public = [do("wg pubkey", input=key.encode()) for key in keys]
        for i, where in enumerate(("", self.inside)):
            with tempfile.NamedTemporaryFile("w") as file:
                file.write(keys[i])
                file.flush()
                do(where + "wg set w0 listen-port 51820 private-key %s "
                   "peer %s allowed-ips 10.0.1.0/24 endpoint 10.0.0.%d:51820"
                   % (file.name, public[1 - i], 2 - i))
            do(where + "ip address add 10.0.1.%d/24 dev w0" % (i + 1))
            do(where + "ip link set w0 up")
        return True


def serve(hosts, prefix, port):
    command = hosts.inside.split() + prefix + ["iperf3", "-s", "-p", str(port)]
    subprocess.Popen(command, stdout=subprocess.DEVNULL,
                     preexec_fn=lambda: os.sched_setaffinity(0, {CPUS[0]}))
    time.sleep(1)


def measure(prefix, address, port):
    """Mbit/s that arrive"""
    result = subprocess.run(
        [*prefix, "iperf3", "-c", address, "-p", str(port), "-u", "-b", "0",
         "-l", LENGTH, "-t", "1", "--json"], stdout=subprocess.PIPE,
        timeout=PATIENCE,
        preexec_fn=lambda: os.sched_setaffinity(0, {CPUS[-1]}))
    end = json.loads(result.stdout)["end"].get("sum")
    if not end:
        sys.exit("iperf3 has no result: %s" % result.stdout)
    arrived = end["packets"] - end["lost_packets"]
    return arrived * int(LENGTH) * 8 / end["seconds"] / 1e6


def report(name, rounds, goal):
    figure = statistics.median(r[name] for r in rounds)
    ratio = statistics.median(r["sealed"] / r[name] for r in rounds)
    missed = goal and ratio < goal
    part = "" if name == "sealed" else ", sealed is %.3f of it" % ratio
    print("%-34s %6d %9.0f Mbit/s%s%s%s" % (
        name, len(rounds), figure, part, "  >= %g" % goal if goal else "",
        "  MISSED" if missed else ""), flush=True)
    if os.environ.get("BENCH_JSON"):
        line = {"bench": "tunnel", "name": name, "unit": "Mbit/s",
                "rounds": len(rounds), "value": figure,
                "ratio": round(ratio, 4), "goal_met": not missed}
        with open(os.environ["BENCH_JSON"], "a") as out:
            print(json.dumps(line), file=out)


def main():
    if not all(map(shutil.which, ["iperf3", "unshare", "nsenter", "ip"])):
        sys.exit("iperf3, unshare, nsenter and ip are needed")
    enter_namespace()
    print("\ntunnel: iperf3 -u -b 0 -l %s from one namespace to another, "
          "what arrives" % LENGTH, flush=True)
    hosts = Hosts()
    with tempfile.TemporaryDirectory() as scratch:
        key = scratch + "/key"
        subprocess.run([os.environ["COP_BIN"], "key", "new", key], check=True)
        sides = {"UDP": ([], "10.0.0.2", 5000),
                 "sealed": ([*SEALED, key, "--"], "10.0.0.2", 5001)}
        if hosts.wireguard():
            sides["wireguard"] = ([], "10.0.1.2", 5002)
        else:
            print("wireguard: this kernel does not have it, or wg(8) is not "
                  "installed; so it is not measured", flush=True)
        for prefix, _, port in sides.values():
            serve(hosts, prefix, port)
        rounds = []
        for _ in range(ROUNDS):
            turns = {name: [] for name in sides}
            for name in [*sides, *reversed(sides)]:
                turns[name].append(measure(*sides[name]))
            rounds.append({n: statistics.mean(t) for n, t in turns.items()})
        for name in sides:
            report(name, rounds, 1 if name == "wireguard" else 0)
    hosts.other.kill()


main()
