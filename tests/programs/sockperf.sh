#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: sockperf ping-pong and under-load
# Packages: sockperf
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs sockperf

# Only what is whole and in its order is a valid answer.
measure() {
    talk sockperf "$@" -i 127.0.0.1 -p 11111 -t 1
    expect 'Test ended'
    expect '# dropped messages = 0; # duplicated messages = 0; # out-of-order messages = 0'
    n=$(sed -n 's/.*\[Valid Duration\].*ReceivedMessages=\([0-9]*\).*/\1/p' out)
    [ "$n" -gt 10 ] || fail "$n messages were received"
    say "$*: no message was lost"
}

udp_port 11111
serve sockperf server -i 127.0.0.1 -p 11111
wait_udp 11111

measure ping-pong
measure ping-pong -m 1400 --full-log log
measure under-load --mps 1000 --reply-every 2
