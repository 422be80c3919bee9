#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: ncat -u, with one peer, and with -k and --sh-exec
# Packages: ncat
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs ncat

# ask ADDRESS PORT TEXT... - ends when each has its answer.
ask() {
    asked="$1 $2"
    shift 2
    cat >asking <<'END'
for text; do
    echo "$text"
    read -r answer
    echo "$answer" >&2
done
END
    # shellcheck disable=SC2086
    talk ncat -u $asked --sh-exec "sh asking $*"
    say "$(cat err)"
}

udp_port 5000
serve ncat "-$ip" -u -l -k "$any" 5000 --sh-exec 'sed -u s/^/got-/'
wait_udp 5000
for to in $hosts; do
    ask "$to" 5000 one two three
    ask "$to" 5000 four five
done

echo answer >answer
udp_port 5001
serve ncat "-$ip" -u -l "$host" 5001 <answer
wait_udp 5001
ask "$host" 5001 question
wait_log question
say "asked: $(cat "$log")"
