# SPDX-License-Identifier: MIT
"""
shown.py FILE EXPRESSION... - what there is in the JSON that cop stat prints.

Each line has to be an object of its own. Prints the value of each expression, in
which socks and flows are lists of these, and by_port has the sockets.
"""

import json
import sys

SOCKET = {
    "type": str, "pid": int, "command": str, "fd": int, "fds": list,
    "kind": str, "state": str, "local": str, "peer": str, "inode": int,
    "tx": int, "tx_bytes": int, "tx_errors": int, "rx": int, "rx_bytes": int,
    "truncated": int, "port_mismatch": int, "stray_short": int,
    "stray_magic": int, "stray_version": int, "stray_length": int,
    "kernel_drops": int, "evicted": int, "missed": int, "time": float,
}
FLOW = {
    "type": str, "pid": int, "fd": int, "local": str, "peer": str,
    "tx": int, "tx_bytes": int, "rx": int, "rx_bytes": int, "lost": int,
    "reordered": int, "duplicated": int, "unordered": int, "restarts": int,
    "jitter_us": int, "gap_us": int, "first": float, "last": float,
}


def port(name):
    return int(name.rsplit(":", 1)[1])


def checked(row):
    """What every object of its kind has, and of which type."""
    wanted = SOCKET if row["type"] == "socket" else FLOW
    for name, kind in wanted.items():
        assert type(row[name]) is kind, (name, row)
    return row


def same(row, line):
    """Whether a line of COP_STATS says the same, but for when it does."""
    times = ("first", "last")
    return all(
        abs(row[name] - value) < 0.01 if name in times else
        row.get(name) == value
        for name, value in line.items()
    )


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        rows = [checked(json.loads(line)) for line in file]
    scope = {
        "json": json, "port": port, "same": same, "rows": rows,
        "socks": [row for row in rows if row["type"] == "socket"],
        "flows": [row for row in rows if row["type"] == "flow"],
    }
    scope["by_port"] = {port(s["local"]): s for s in scope["socks"]}
    for expression in sys.argv[2:]:
        print(eval(expression, scope))


main()
