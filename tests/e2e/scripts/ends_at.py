# SPDX-License-Identifier: MIT
"""
ends_at.py COP STAT PRELOADED PROGRAM... - let a program end at each read of cop stat.

Starts the program again and again; ends_at.c ends it at the first read of its memory,
then at the second one, until cop stat comes to its end first. Prints what cop stat has
complained of, and whether the program ended more than ten times. STAT is what COP
executes; COP itself would not let the library in.
"""

import itertools
import os
import subprocess
import sys

COP, STAT, PRELOADED, *PROGRAM = sys.argv[1:]


def started():
    """The program, once it is ready"""
    program = subprocess.Popen(PROGRAM, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    for line in program.stdout:
        if line == "ready\n":
            break
    return program


def look_at(program, ends_at):
    env = dict(os.environ, LD_PRELOAD=PRELOADED, VICTIM=str(program.pid),
               ENDS_AT=str(ends_at))
    return subprocess.run([COP, "stat", "-fj", "-p", str(program.pid)],
                          executable=STAT, env=env,
                          capture_output=True, text=True, check=False)


for n in itertools.count(1):
    with started() as victim:
        look = look_at(victim, n)
        if look.stderr or look.returncode:
            print("read", n, look.returncode, look.stderr.strip())
        if victim.poll() is None:
            break
print(n > 11)
