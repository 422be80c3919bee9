#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: python3's socketserver: UDPServer, threading and forking
# Packages: python3=/usr/bin/python3
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs /usr/bin/python3

port=11505
for kind in plain threading forking; do
    udp_port "$port"
    serve /usr/bin/python3 "$here/socketserver_server.py" "$kind" "$any" "$port"
    wait_udp "$port"
    for to in $hosts; do
        talk /usr/bin/python3 "$here/socketserver_client.py" "$to" "$port"
        say "$kind"
        cat out
        expect "b'one three two'"
    done
    stop_server
    port=$((port + 1))
done
