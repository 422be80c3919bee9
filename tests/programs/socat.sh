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

second_at=$second
[ "$ip" = 4 ] || second_at="[$second]"
udp_port 5000 5001
serve socat -T 5 "UDP$ip-LISTEN:5000,fork,reuseaddr" "EXEC:sed -u s/^/listen-/"
serve socat "UDP$ip-RECVFROM:5001,fork" "EXEC:sed -u s/^/recvfrom-/"
wait_udp 5000 5001

ask "UDP$ip-CONNECT:$at:5000" one two three
ask "UDP$ip:$at:5000,sourceport=6000" four five
ask "UDP$ip-SENDTO:$at:5001" six seven
ask "UDP$ip-DATAGRAM:$at:5001,bind=$second_at:6001" eight nine
[ "$ip" = 4 ] || {
    ask UDP4-CONNECT:127.0.0.1:5000 ten eleven
    ask UDP4-SENDTO:127.0.0.1:5001 twelve
    ask 'UDP6-SENDTO:[::ffff:127.0.0.1]:5001' thirteen
}
