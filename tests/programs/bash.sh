#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: bash's /dev/udp, by its builtins and by programs, with socat
# Packages: bash socat
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs bash socat

udp_port 11507
serve socat UDP4-RECVFROM:11507,fork PIPE
wait_udp 11507
talk bash "$here/bash_client.bash" 11507
cat out
expect 'by printf 7'
expect 'of commands'
expect 'stdout again'
