#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: socat, with UDP4-LISTEN and UDP4-RECVFROM that fork, UDP4-CONNECT, UDP4-SENDTO
# Packages: socat
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs socat sed

# ask ADDRESS TEXT... - ends when each has its answer.
ask() {
    address=$1
    shift
    cat >asking <<'END'
for text; do
    echo "$text"
    read -r answer
    echo "$answer" >&2
done
END
    talk socat -t 0.1 "$address" "EXEC:sh asking $*"
    say "$(cat err)"
}

udp_port 5000 5001
serve socat -T 5 UDP4-LISTEN:5000,fork,reuseaddr "EXEC:sed -u s/^/listen-/"
serve socat UDP4-RECVFROM:5001,fork "EXEC:sed -u s/^/recvfrom-/"
wait_udp 5000 5001

ask UDP4-CONNECT:127.0.0.1:5000 one two three
ask UDP4:127.0.0.1:5000,sourceport=6000 four five
ask UDP4-SENDTO:127.0.0.1:5001 six seven
ask UDP4-DATAGRAM:127.0.0.1:5001,bind=127.0.0.2:6001 eight nine
