#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: coturn's turnserver with turnutils_uclient, _peer, _stunclient, _natdiscovery
# Packages: coturn=turnserver
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs turnserver turnutils_uclient turnutils_peer turnutils_stunclient \
    turnutils_natdiscovery

udp_port 3478 3480
serve turnutils_peer -L "$host" -p 3480
wait_udp 3480
# Two addresses, so that it can answer from the one it was not asked at.
serve turnserver -n -L "$host" -L "$second" -E "$host" -p 3478 -m 2 \
    --alt-listening-port 3479 --allow-loopback-peers --no-cli \
    --no-tls --no-dtls -a -u user:secret -r example.org -b "$dir/turndb" \
    --log-file stdout --simple-log --pidfile "$dir/turnserver.pid"
wait_udp 3478 3479

talk turnutils_stunclient -p 3478 "$host"
expect "UDP reflexive addr: $host:"

# ask_and_answer - lines "SECONDS" for each answer of the server since $since, and "none"
# for each question without one. Each client's port asks one question at a time.
ask_and_answer() {
    tcpdump -r wire -ttqn 'udp port 3478 or udp port 3479' 2>/dev/null | awk '
        $1 < '"$since"' { next }
        { sub(/:$/, "", $5); n = split($3, from, "."); m = split($5, to, ".") }
        to[m] ~ /^347[89]$/ { asked[from[n]] = $1; next }
        to[m] in asked { print $1 - asked[to[m]]; delete asked[to[m]] }
        END { for (port in asked) print "none" }'
}

all_answered() {
    ! ask_and_answer | grep -q none
}

# It waits 3 s for an answer, and on a busy machine the server may take longer. Then it
# asks once more, but only if the wire says that an answer was so late.
discover() {
    since=$(date +%s.%N)
    talk turnutils_natdiscovery -m -f -L "$host" -p 3478 "$host"
    grep -q 'receive timeout' out || return 0
    within all_answered || fail 'the server does not answer'
    ask_and_answer | awk '$1 > 2.9 { late = 1 } END { exit !late }' ||
        fail 'an answer that came in time was not received'
    return 1
}

# It asks from its own port, which differs each time.
discover || discover || discover || discover
sed 's/^[0-9]*: : //' out | grep -e NAT -e ALG -e origin
expect "Response origin: : $second:3479"
expect 'NAT with Endpoint Independent Filtering!'

talk turnutils_uclient -p 3478 -u user -w secret -c -n 20 -e "$host" \
    -r 3480 "$host"
grep -o -e 'tot_send_msgs=20, tot_recv_msgs=20' -e 'lost packets .*' out
expect 'lost packets 0 '
