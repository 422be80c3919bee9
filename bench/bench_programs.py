#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bench_programs - what real programs come to on COP, adopted, beside plain UDP

iperf3 says how much gets through, sockperf how long a datagram takes there and
back. ngtcp2 and quinn transfer 100 MB by QUIC, dnsperf asks knotd and nsd, which
answer in batches. A program that is not installed is left out. Both ends of each run in a network namespace of their own, on one CPU
each, if there are two. The sides take turns, A B B' B' B A, where B' is plain
UDP once more, so that it is seen what two equal sides come to; the ratio is the
median over all rounds of the ratio within a round. BENCH_PROGRAMS="nsd quinn" runs
only these two.
"""
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "8"))
PATIENCE = 20
COP = [os.environ["COP_BIN"], "run", "--adopt", "--"]
SIDES = {"COP": COP, "UDP": [], "UDP again": []}
CPUS = sorted(os.sched_getaffinity(0))[-2:]
BUILD = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[0])))
CONTENT = 100000000  # bytes of a transfer by QUIC
HOSTS = 200          # names in a zone


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
    subprocess.Popen(SIDES[side] + command, stdin=subprocess.DEVNULL,
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=pinned(CPUS[0]))
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


class Transfer:
    """A file's way by QUIC, with the handshake"""
    unit = "Mbit/s"
    rounds = ROUNDS
    better = max
    goal = 1.0
    files = ["udp"]

    @classmethod
    def measure(cls, side, port):
        start = time.monotonic()
        talk(side, cls.client(port))
        return [CONTENT * 8 / 1e6 / (time.monotonic() - start)]


class Ngtcp2(Transfer):
    names = ["gtlsserver, gtlsclient: 100 MB"]
    needs = ["gtlsserver", "gtlsclient", "openssl"]

    @staticmethod
    def server(port):
        return ["gtlsserver", "-q", "127.0.0.1", port, "key.pem", "cert.pem"]

    @staticmethod
    def client(port):
        return ["gtlsclient", "-q", "--exit-on-all-streams-close", "127.0.0.1",
                port, "https://localhost:%s/content" % port]


class Quinn(Transfer):
    names = ["quinn: 100 MB"]
    program = BUILD + "/quinn/release/quinn_transfer"
    needs = [program, "openssl"]

    @classmethod
    def server(cls, port):
        return [cls.program, "serve", "127.0.0.1:" + port, "cert", "key",
                "content"]

    @classmethod
    def client(cls, port):
        return [cls.program, "fetch", "127.0.0.1:" + port, "cert", "/dev/null"]


class Answers:
    """What a name server answers, of as much as can be asked"""
    unit = "1000/s"
    rounds = ROUNDS
    better = max
    goal = 1.0
    files = ["udp"]

    @staticmethod
    def measure(side, port):
        text = talk(side, ["dnsperf", "-s", "127.0.0.1", "-p", port, "-d",
                           "queries", "-l", "1", "-q", "200"])
        return [float(re.search(r"per second: *([\d.]+)", text)[1]) / 1000]


class Knotd(Answers):
    names = ["knotd, asked by dnsperf"]
    needs = ["knotd", "dnsperf"]

    @staticmethod
    def server(port):
        os.mkdir("knotd." + port)
        with open("knotd." + port + "/conf", "w") as conf:
            conf.write("""
server:
    listen: 127.0.0.1@%s
    rundir: %s
    udp-workers: 1
database:
    storage: %s
zone:
  - domain: example.test
    file: %s/zone
    zonefile-sync: -1
    journal-content: none
""" % (port, *2 * [os.path.abspath("knotd." + port)], os.getcwd()))
        return ["knotd", "-c", conf.name]


class Nsd(Answers):
    names = ["nsd, asked by dnsperf"]
    needs = ["nsd", "dnsperf"]

    @staticmethod
    def server(port):
        with open("nsd." + port, "w") as conf:
            conf.write("""
server:
    ip-address: 127.0.0.1@%s
    username: root
    chroot: ""
    zonesdir: "%s"
    database: ""
    pidfile: ""
    zonelistfile: "list.%s"
    xfrdfile: ""
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: example.test
    zonefile: zone
""" % (port, os.getcwd(), port))
        return ["nsd", "-d", "-c", conf.name]


def make_certificate():
    for command in (
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
            "-days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost "
            "-addext basicConstraints=critical,CA:FALSE "
            "-keyout key.pem -out cert.pem",
            "x509 -in cert.pem -outform DER -out cert",
            "pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key"):
        subprocess.run(["openssl", *command.split()], check=True,
                       stderr=subprocess.DEVNULL)


def make_files():
    """What the servers have to give, in the working directory"""
    if shutil.which("openssl"):
        make_certificate()
    with open("content", "wb") as content:
        content.write(os.urandom(CONTENT))
    names = ["h%d" % n for n in range(1, HOSTS + 1)]
    with open("zone", "w") as zone:
        zone.write("$TTL 60\n@ SOA ns host 1 60 60 600 60\n@ NS ns\n")
        for n, name in enumerate(["ns"] + names):
            zone.write("%s A 192.0.2.%d\n" % (name, n + 1))
    with open("queries", "w") as queries:
        queries.writelines("%s.example.test A\n" % name for name in names)


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


def missing(bench):
    return [name for name in getattr(bench, "needs", ())
            if not shutil.which(name)]


def run_all(benches):
    make_files()
    print("\nprograms: adopted by cop run, beside plain UDP twice")
    print("%-34s %6s %9s %9s %-6s %7s %7s  goal" % (
        "", "rounds", "COP", "UDP", "", "ratio", "UDP's"), flush=True)
    for i, bench in enumerate(benches):
        if missing(bench):
            print("%-34s %s" % (bench.names[0], "left out: no " +
                                ", ".join(missing(bench))))
            continue
        run(bench, 5000 + 100 * i)


def chosen():
    """All of them, or those that BENCH_PROGRAMS names"""
    benches = {"iperf3": Throughput, "sockperf": Latency, "gtlsserver": Ngtcp2,
               "quinn": Quinn, "knotd": Knotd, "nsd": Nsd}
    names = os.environ.get("BENCH_PROGRAMS", "").split()
    for name in names:
        if name not in benches:
            sys.exit("BENCH_PROGRAMS: not one of %s: %s" % (
                ", ".join(benches), name))
    return [benches[name] for name in names or benches]


def main():
    if not all(map(shutil.which, ["iperf3", "sockperf", "unshare", "ip"])):
        sys.exit("iperf3, sockperf, unshare and ip are needed")
    enter_namespace()
    with tempfile.TemporaryDirectory() as files:
        os.chdir(files)
        run_all(chosen())


main()
