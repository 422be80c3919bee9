#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: iperf -u, also with --reverse and --full-duplex
# Packages: iperf
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs iperf


# reported FILE TOTAL - a report of as many datagrams. An unlucky pause of the
# receiver may lose some of them.
reported() {
    sed -n 's|.* ms  *\([0-9]*\)/\([0-9]*\) (.*%)$|\1 \2|p' "$1" >reported
    [ -s reported ] || fail "no report in: $(cat "$1")"
    while read -r lost total; do
        [ "$total" -ge "$2" ] || fail "$total datagrams were sent"
        [ "$lost" -lt $((total / 2)) ] || fail "$lost of $total were lost"
    done <reported
}

# Of several clients in a row iperf's server may take one for another, on plain
# UDP too: each has a server of its own.
measure() {
    port=$1
    shift
    udp_port "$port"
    # shellcheck disable=SC2086
    serve iperf -s -u $domain -p "$port" -l 1000 -P 1
    wait_udp "$port"
    # shellcheck disable=SC2086
    talk iperf -c "$host" -u $domain -p "$port" -b 10M -l 1000 "$@"
    reported out 400
    end_server
    say "$*: $(grep -c ' ms ' out) report"
}

domain=
[ "$ip" = 4 ] || domain=-V
measure 5001 -n 500K
expect 'Server Report'
measure 5002 -t 1 --reverse
measure 5003 -t 1 --full-duplex
