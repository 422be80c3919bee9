#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: a server and a client of quinn (QUIC, in Rust): 100 MB
# Packages: cargo librust-quinn-dev=/usr/share/doc/librust-quinn-dev librust-tokio-dev=/usr/share/doc/librust-tokio-dev
# Tools: openssl
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs openssl
transfer=$(cd "$here/../.." && pwd)/build/quinn/release/quinn_transfer
[ -x "$transfer" ] || {
    echo "$transfer is missing: make test-all builds it with Debian 12's quinn" >&2
    exit 77
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -addext basicConstraints=critical,CA:FALSE -keyout key.pem -out cert.pem 2>/dev/null
openssl x509 -in cert.pem -outform DER -out cert
openssl pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key

PATIENCE=500
udp_port 4433
head -c 100000000 /dev/urandom >there
serve "$transfer" serve "$at:4433" cert key "$dir/there"
wait_udp 4433
talk "$transfer" fetch "$at:4433" cert got
same there got
say fetched
