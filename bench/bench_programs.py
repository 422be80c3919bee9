#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bench_programs - what real programs come to on COP, adopted, beside plain UDP

iperf3 says how much gets through, sockperf how long a datagram takes there and
back. Both ends of each run in a network namespace of their own, on one CPU
each, if there are two. The sides take turns, A B B' B' B A, where B' is plain
UDP once more, so that it is seen what two equal sides come to; the ratio is the
median over all rounds of the ratio within a round.
"""
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "8"))
PATIENCE = 20
COP = [os.environ["COP_BIN"], "run", "--adopt", "--"]
SIDES = {"COP": COP, "UDP": [], "UDP again": []}
CPUS = sorted(os.sched_getaffinity(0))[-2:]


def pinned(cpu):
    return lambda: os.sched_setaffinity(0, {cpu})


def enter_namespace():
    """By a new start of this program; lo is up then"""
    if "BENCH_INSIDE" not in os.environ:
        os.environ["BENCH_INSIDE"] = "1"
        user = [] if os.getuid() == 0 else ["--map-root-user"]
        os.execvp("unshare", ["unshare", *user, "--net", "--pid", "--fork",
                              "--kill-child", "--mount-proc",
                              sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def is_bound(port, files):
    for name in files:
        with open("/proc/net/" + name) as table:
            if any(line.split()[1].endswith(":%04X" % port)
                   for line in list(table)[1:]):
                return True
    return False


def serve(side, port, command, files):
    subprocess.Popen(SIDES[side] + command, stdout=subprocess.DEVNULL,
                     stdin=subprocess.DEVNULL, preexec_fn=pinned(CPUS[0]))
    end = time.monotonic() + PATIENCE
    while not is_bound(port, files):
        if time.monotonic() > end:
            sys.exit("%s did not bind port %d" % (command[0], port))
        time.sleep(0.01)


def talk(side, command):
    result = subprocess.run(SIDES[side] + command, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            timeout=PATIENCE, preexec_fn=pinned(CPUS[-1]))
    text = result.stdout.decode(errors="replace")
    if result.returncode:
        sys.exit("%s: %s" % (" ".join(command), text))
    return text


class Throughput:
    """What is sent, and what arrives, of as much as can be sent"""
    names = ["iperf3 -u -b 0 -l 1400, sent",
             "iperf3 -u -b 0 -l 1400, received"]
    unit = "Mbit/s"
    rounds = 2 * ROUNDS
    better = max
    goal = 0.95
    files = ["tcp", "tcp6"]

    @staticmethod
    def server(port):
        return ["iperf3", "-4", "-s", "-p", port]

    @staticmethod
    def measure(side, port):
        text = talk(side, ["iperf3", "-4", "-c", "127.0.0.1", "-p", port, "-u",
                           "-b", "0", "-l", "1400", "-k", "150000", "--json"])
        end = json.loads(text)["end"].get("sum")
        if not end:
            sys.exit("iperf3 on %s has no result: %s" % (side, text))
        sent = end["packets"] * 1400 * 8 / end["seconds"] / 1e6
        return sent, sent * (1 - end["lost_packets"] / end["packets"])


class Latency:
    """From one end to the other, the median over a second"""
    names = ["sockperf ping-pong -m 14, one way"]
    unit = "us"
    rounds = ROUNDS
    better = min
    goal = 1.05
    files = ["udp"]

    @staticmethod
    def server(port):
        return ["sockperf", "server", "-i", "127.0.0.1", "-p", port]

    @staticmethod
    def measure(side, port):
        text = talk(side, ["sockperf", "ping-pong", "-i", "127.0.0.1",
                           "-p", port, "-t", "1", "-m", "14"])
        return [float(re.search(r"percentile 50\.0+ *= *([\d.]+)", text)[1])]


def one_round(bench, ports):
    """Each side's figures: the means of its two turns"""
    turns = {side: [] for side in SIDES}
    for side in [*SIDES, *reversed(SIDES)]:
        turns[side].append(bench.measure(side, str(ports[side])))
    return {side: [statistics.mean(of) for of in zip(*figures)]
            for side, figures in turns.items()}


def report(bench, which, rounds):
    def median(value):
        return statistics.median(
            value({side: r[side][which] for side in SIDES}) for r in rounds)

    cop, udp = median(lambda r: r["COP"]), median(lambda r: r["UDP"])
    ratio = median(lambda r: r["COP"] / r["UDP"])
    equal = median(lambda r: r["UDP again"] / r["UDP"])
    met = bench.better(ratio, bench.goal) == ratio
    print("%-34s %6d %9.2f %9.2f %-6s %7.3f %7.3f  %s %g%s" % (
        bench.names[which], len(rounds), cop, udp, bench.unit, ratio, equal,
        "<=" if bench.better is min else ">=", bench.goal,
        "" if met else "  MISSED"), flush=True)
    if os.environ.get("BENCH_JSON"):
        line = {"bench": "programs", "name": bench.names[which],
                "unit": bench.unit, "rounds": len(rounds), "cop": cop,
                "udp": udp, "ratio": round(ratio, 4),
                "udp_ratio": round(equal, 4), "goal_met": met}
        with open(os.environ["BENCH_JSON"], "a") as out:
            print(json.dumps(line), file=out)


def run(bench, first_port):
    ports = {side: first_port + i for i, side in enumerate(SIDES)}
    for side, port in ports.items():
        serve(side, port, bench.server(str(port)), bench.files)
    one_round(bench, ports)  # warms caches up and is forgotten
    rounds = [one_round(bench, ports) for _ in range(bench.rounds)]
    for which in range(len(bench.names)):
        report(bench, which, rounds)


def main():
    if not all(map(shutil.which, ["iperf3", "sockperf", "unshare", "ip"])):
        sys.exit("iperf3, sockperf, unshare and ip are needed")
    enter_namespace()
    print("\nprograms: adopted by cop run, beside plain UDP twice")
    print("%-34s %6s %9s %9s %-6s %7s %7s  goal" % (
        "", "rounds", "COP", "UDP", "", "ratio", "UDP's"), flush=True)
    run(Throughput, 5000)
    run(Latency, 6000)


main()
