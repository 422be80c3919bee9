#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: nc.openbsd -u
# Packages: netcat-openbsd=nc.openbsd
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs nc.openbsd

# A server takes its peer from the first datagram and connects to it.
udp_port 5000
echo answer >answer
serve nc.openbsd -4 -n -u -l 127.0.0.1 5000 <answer
wait_udp 5000

# Ends when it has received one datagram.
echo question | talk nc.openbsd -4 -n -u -W 1 127.0.0.1 5000
wait_log question
say "asked: $(cat "$log"), answered: $(cat out)"

# Bound to 0.0.0.0, and a client with a port and an address of its own.
udp_port 5001 6001
serve nc.openbsd -4 -n -u -l -v -p 5001 <answer
wait_udp 5001
echo 'another question' |
    talk nc.openbsd -4 -n -u -W 1 -s 127.0.0.2 -p 6001 127.0.0.1 5001
wait_log 'another question'
expect_log '127.0.0.2 6001'
say "asked: $(tail -n 1 "$log"), answered: $(cat out)"
