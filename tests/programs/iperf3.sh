#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: iperf3 -u, also with -R, --bidir and -P
# Packages: iperf3
# Tools: jq
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs iperf3 jq

# An unlucky pause of the receiver may lose some, so a part must have come.
measure() {
    talk iperf3 -c "$to" -u -b 20M -l 1000 --json "$@"
    what=$(jq -r '.end.streams[].udp | "\(.sender) \(.packets >= 200) \(
        .lost_packets < .packets / 2) \(.bytes == .packets * 1000)"' out)
    [ -n "$what" ] || fail "no streams in: $(cat out)"
    say "$* $what"
}

udp_port 5201
# With IPv6 the server has one socket for both, and a name has both addresses.
to=$host
if [ "$ip" = 4 ]; then
    serve iperf3 -4 -s
else
    printf '%s localhost\n' ::1 127.0.0.1 | replace /etc/hosts
    serve iperf3 -s
fi
wait_tcp 5201

measure -k 500
measure -k 500 -R
measure -t 1 -P 3
measure -t 1 --bidir
[ "$ip" = 4 ] || for to in localhost 127.0.0.1; do
    measure -k 500
    measure -k 500 -R
done
