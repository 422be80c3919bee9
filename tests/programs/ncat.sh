#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: ncat -u, with one peer, and with -k and --sh-exec
# Packages: ncat
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs ncat

# ask PORT TEXT... - ends when each has its answer.
ask() {
    port=$1
    shift
    cat >asking <<'END'
for text; do
    echo "$text"
    read -r answer
    echo "$answer" >&2
done
END
    talk ncat -4 -u 127.0.0.1 "$port" --sh-exec "sh asking $*"
    say "$(cat err)"
}

udp_port 5000
serve ncat -4 -u -l -k 127.0.0.1 5000 --sh-exec 'sed -u s/^/got-/'
wait_udp 5000
ask 5000 one two three
ask 5000 four five

echo answer >answer
udp_port 5001
serve ncat -4 -u -l 127.0.0.1 5001 <answer
wait_udp 5001
ask 5001 question
wait_log question
say "asked: $(cat "$log")"
