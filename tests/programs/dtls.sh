#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: openssl s_server and s_client with -dtls, -listen and -mtu
# Packages: openssl
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs openssl

# With a long certificate the handshake is sent in parts. A key of an elliptic curve
# is there at once.
names=$(printf ',DNS:%040d.cop.test' $(seq 30))
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /CN=cop.test -addext "subjectAltName=${names#,}" \
    -keyout key -out cert 2>/dev/null

# What each side says is said when the other side has been heard. The client
# ends with its stdin.
cat >talking <<'END'
log=$1 said=$2
shift 2
until_in() {
    tries=200
    until grep -qs "$1" "$2" || [ $((tries -= 1)) -eq 0 ]; do
        sleep 0.05
    done
}
{
    until_in question "$log"
    echo answer >&4
} &
{
    echo question
    until_in answer "$said"
} | "$@" >"$said"
END

# shake NAME PORT OPTION... - of both ends.
shake() {
    name=$1
    port=$2
    shift 2
    udp_port "$port"
    mkfifo "stdin.$name"
    exec 4<>"stdin.$name"
    # shellcheck disable=SC2086
    serve openssl s_server "-$ip" -dtls1_2 -accept "$at:$port" -cert cert \
        -key key -quiet $listen "$@" <&4
    wait_udp "$port"
    talk sh talking "$log" "said.$name" openssl s_client "-$ip" -dtls1_2 -brief \
        -connect "$at:$port" -CAfile cert -verify_return_error "$@"
    expect 'Protocol version: DTLSv1.2'
    expect 'Verification: OK'
    expect_log question
    say "$name: $(cat "said.$name")"
    stop_server
}

listen=
shake plain 4433
shake parts 4434 -mtu 500
listen=-listen
shake cookies 4435
