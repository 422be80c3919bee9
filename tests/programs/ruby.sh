#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: ruby's UDPSocket and Socket.udp_server_sockets
# Packages: ruby
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs ruby

udp_port 11502
serve ruby "$here/ruby_server.rb" "$host" 11502
wait_udp 11502
wait_log 'sockets: 1'
talk ruby "$here/ruby_client.rb" "$host" 11502
end_server
cat out
expect 'recvfrom: trop on'
expect 'nothing there yet'
expect 'recvmsg: egassem a'
expect 'long: yxx'
expect 'nobody there'
expect 'end: dne'
