#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: ruby's UDPSocket and Socket.udp_server_sockets, of AF_INET6
# Packages: ruby
# Works: yes
IP=6
. "$(dirname "$0")/ruby.sh"
