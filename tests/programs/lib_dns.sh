# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
#
# lib_dns.sh - a zone for a name server, and a flood of queries for it.

# make_zone FILE - of example.test, with an address of 200 hosts.
make_zone() {
    {
        echo '$TTL 60'
        echo '@ SOA ns.example.test. host.example.test. 1 60 60 600 60'
        echo '@ NS ns.example.test.'
        echo "ns A 192.0.2.1"
        for n in $(seq 200); do
            echo "h$n A 192.0.2.$n"
        done
    } >"$1"
}

# ask PORT - ask for each host once, then for all of them many times at once.
ask() {
    for n in 1 7 200; do
        talk kdig +notcp +retry=0 +time=10 +short "@$host" -p "$1" "h$n.example.test"
        say "h$n: $(cat out)"
    done
    for n in $(seq 200); do
        echo "h$n.example.test A"
    done >queries
    talk dnsperf -s "$host" -p "$1" -d queries -n 50 -c 4 -q 200 -t 10
    # An unlucky pause of a receiver may lose some.
    completed=$(sed -n 's/^ *Queries completed: *\([0-9]*\) .*/\1/p' out)
    [ "${completed:-0}" -ge 9900 ] || fail "only ${completed:-0} of 10000 answers"
    say "$(grep -c 'NOERROR .*(100.00%)' out) kind of answers"
}
