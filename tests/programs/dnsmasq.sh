#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: dnsmasq with dig, both for itself and asking another dnsmasq
# Packages: dnsmasq-base=dnsmasq bind9-dnsutils=dig
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs dnsmasq dig

# Its sockets are bound to all addresses and say for each query where it came to.
dns() {
    port=$1
    shift
    serve dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= \
        --no-hosts --no-resolv --port="$port" "$@"
    wait_udp "$port"
    udp_port "$port"
}

ask() {
    talk dig +notcp +tries=1 +timeout=10 +short "$@"
    [ -s out ] || fail "no answer to $*"
    say "$*: $(tr -s 0 <out)"
}

long=$(printf '%0200d' 1)
dns 5300 --address=/far.test/192.0.2.7 "--txt-record=long.test,$long,$long,$long"
dns 53 "--server=$host#5300" --address=/near.test/192.0.2.8

ask "@$host" -p 5300 far.test
ask "@$host" near.test
ask "@$second" far.test
ask "@$host" -b "$second#6000" +bufsize=4096 long.test TXT
[ "$ip" = 4 ] || ask @127.0.0.1 far.test
ask "@$host" one.far.test two.far.test three.near.test
