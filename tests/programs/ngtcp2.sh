#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: gtlsserver with gtlsclient (ngtcp2's QUIC): 100 MB
# Packages: ngtcp2-server=gtlsserver ngtcp2-client=gtlsclient
# Tools: openssl
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs gtlsserver gtlsclient openssl

PATIENCE=500
udp_port 4433
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -keyout key -out certificate -days 2 -subj /CN=localhost 2>/dev/null
mkdir files got
head -c 100000000 /dev/urandom >files/there
serve gtlsserver -q -d "$dir/files" "$host" 4433 key certificate
wait_udp 4433

talk gtlsclient -q --exit-on-all-streams-close --download="$dir/got" \
    "$host" 4433 "https://localhost:4433/there"
same files/there got/there
say fetched
