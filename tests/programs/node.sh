#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: node's dgram: a server, a client both connected and not
# Packages: nodejs=node
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs node

udp_port 11501
for to in $hosts; do
    serve node "$here/node_server.js" "$any" 11501
    wait_udp 11501
    wait_log "IPv$ip $any 11501"
    talk node "$here/node_client.js" "$to" 11501
    end_server
    expect_log closed
    cat out
    expect 'unconnected: 12:FROM NO PORT'
    expect 'nobody there: ECONNREFUSED'
    expect 'connected: 9:TWO PARTS'
    expect 'at once: 60'
    expect 'disconnected: 3:END'
done
