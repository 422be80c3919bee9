#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: python3's asyncio: datagram endpoints, sock_sendto and sock_recvfrom
# Packages: python3=/usr/bin/python3
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs /usr/bin/python3

udp_port 11504
for to in $hosts; do
    serve /usr/bin/python3 "$here/asyncio_server.py" "$any" 11504
    wait_udp 11504
    wait_log "bound to $any 11504"
    talk /usr/bin/python3 "$here/asyncio_client.py" "$to" 11504
    end_server
    sort out
    expect "unconnected: b'NOT CONNECTED'"
    expect 'connected: three answers'
    expect 'connected: fifty at once'
    expect 'nobody there: ConnectionRefusedError'
    expect "socket: b\"THE LOOP'S CALLS\""
    expect "socket: b'END'"
done
