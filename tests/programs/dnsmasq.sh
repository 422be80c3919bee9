#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: dnsmasq with dig, both for itself and asking another dnsmasq
# Packages: dnsmasq-base=dnsmasq bind9-dnsutils=dig
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs dnsmasq dig

# Its socket is bound to 0.0.0.0 and says for each query where it came to.
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
dns 53 --server=127.0.0.1#5300 --address=/near.test/192.0.2.8

ask @127.0.0.1 -p 5300 far.test
ask @127.0.0.1 near.test
ask @127.0.0.2 far.test
ask @127.0.0.1 -b 127.0.0.3#6000 +bufsize=4096 long.test TXT
ask @127.0.0.1 one.far.test two.far.test three.near.test
