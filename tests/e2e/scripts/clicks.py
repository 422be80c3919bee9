# SPDX-License-Identifier: MIT
"""clicks.py FILE... - look at captures as one does in Wireshark's window

Opens one after the other in the same process, Wireshark without the window, and
looks at each packet, the last one first.
"""
import json
import os
import subprocess
import sys

FIGURES = ["cop.analysis." + name for name in (
    "number", "lost", "reordered", "duplicated", "restarts")]


class Wireshark:
    def __init__(self):
        self.process = subprocess.Popen(
            ["sharkd", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, method, **params):
        line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method,
                           "params": params})
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["result"]


def figures(nodes):
    """What is shown of them, by the filters that the tree has for them"""
    found = {}
    for node in nodes:
        name, _, value = node.get("f", "").partition(" == ")
        found[name] = value
        found.update(figures(node.get("n", [])))
    return found


def main(files):
    wireshark = Wireshark()
    for path in files:
        print(path)
        wireshark.ask("load", file=os.path.abspath(path))
        for number in range(wireshark.ask("status")["frames"], 0, -1):
            tree = wireshark.ask("frame", frame=number, proto=True)["tree"]
            found = figures(tree)
            print(number, *[found[name] for name in FIGURES])


main(sys.argv[1:])
