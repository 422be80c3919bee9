# SPDX-License-Identifier: MIT
"""
terminal.py COMMAND... - what a program that draws the screen anew shows.

On a terminal of 8 rows and 60 columns; prints how many rows each of the first
three screens took, and ends the program.
"""

import fcntl
import os
import pty
import struct
import sys
import termios

CLEAR = b"\x1b[H\x1b[J"
COLUMNS = 60


def rows(screen):
    """With lines that are longer than the screen is wide, and tabs."""
    lines = screen.decode().replace("\r\n", "\n").split("\n")[:-1]
    lengths = [len(line.expandtabs(8)) for line in lines]
    return sum(max(1, (n + COLUMNS - 1) // COLUMNS) for n in lengths)


pid, terminal = pty.fork()
if not pid:
    size = struct.pack("HHHH", 8, COLUMNS, 0, 0)
    fcntl.ioctl(1, termios.TIOCSWINSZ, size)
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
while seen.count(CLEAR) < 4:
    seen += os.read(terminal, 4096)
os.kill(pid, 15)
os.waitpid(pid, 0)
print(*[rows(screen) for screen in seen.split(CLEAR)[1:4]])
