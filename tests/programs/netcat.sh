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
serve nc.openbsd "-$ip" -n -u -l "$host" 5000 <answer
wait_udp 5000

# Ends when it has received one datagram.
echo question | talk nc.openbsd "-$ip" -n -u -W 1 "$host" 5000
wait_log question
say "asked: $(cat "$log"), answered: $(cat out)"

# Bound to all addresses, and a client with a port and an address of its own. To
# that address the server answers from the one that the kernel chooses.
to=$host
[ "$ip" = 4 ] || to=$second
udp_port 5001 6001
serve nc.openbsd "-$ip" -n -u -l -v -p 5001 <answer
wait_udp 5001
echo 'another question' |
    talk nc.openbsd "-$ip" -n -u -W 1 -s "$second" -p 6001 "$to" 5001
wait_log 'another question'
expect_log "$second 6001"
say "asked: $(tail -n 1 "$log"), answered: $(cat out)"
