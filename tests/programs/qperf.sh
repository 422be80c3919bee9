#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: qperf udp_lat and udp_bw
# Packages: qperf
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs qperf

# measure ADDRESS TEST RESULT - which is not 0 if what was sent was received.
measure() {
    talk qperf "$1" -t 1 -ip 11520 -m 1000 "$2"
    expect "$2:"
    grep -q "$3 *= *[0-9.]*[1-9]" out || fail "no $3 in: $(cat out)"
    say "$1 $2: $3 was measured"
}

# The server has one socket of TCP on [::]. It opens one of UDP for each test.
udp_port 11520
serve qperf
wait_tcp 19765
for to in $hosts; do
    measure "$to" udp_lat latency
    measure "$to" udp_bw recv_bw
done
