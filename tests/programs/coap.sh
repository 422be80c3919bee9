#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: coap-server with coap-client (libcoap), also block-wise
# Packages: libcoap3-bin=coap-server-notls
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs coap-server-notls coap-client-notls

ask() {
    talk coap-client-notls -B 10 "$@"
}

udp_port 5683
serve coap-server-notls -A "$host" -p 5683 -d 10
wait_udp 5683

ask -m get "coap://$at/"
expect 'This is a test server made with libcoap'
say "$(head -n 1 out)"

ask -m put -e 'some text' "coap://$at/small"
ask -m get "coap://$at/small"
expect 'some text'
say "$(cat out)"

head -c 7000 /dev/zero | tr '\0' x >large
ask -m put -b 512 -f large "coap://$at/large"
ask -m get -b 256 -o back "coap://$at/large"
same large back
say "$(wc -c <back) bytes in blocks"

ask -N -m get -e x "coap://$at/time"
[ -s out ] || fail 'no answer to who wants no acknowledgement'
