#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: openssl s_server and s_client with -dtls, -listen and -mtu
# Packages: openssl
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs openssl

# With a long key the handshake is sent in parts.
openssl req -x509 -newkey rsa:4096 -nodes -subj /CN=cop.test -days 2 \
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
    serve openssl s_server -4 -dtls1_2 -accept "127.0.0.1:$port" -cert cert \
        -key key -quiet $listen "$@" <&4
    wait_udp "$port"
    talk sh talking "$log" "said.$name" openssl s_client -4 -dtls1_2 -brief \
        -connect "127.0.0.1:$port" -CAfile cert -verify_return_error "$@"
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
