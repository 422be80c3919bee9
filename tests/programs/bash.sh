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
serve socat "UDP$ip-RECVFROM:11507,fork" PIPE
wait_udp 11507
for to in $hosts; do
    talk bash "$here/bash_client.bash" "$to" 11507
    cat out
    expect 'by printf 7'
    expect 'of commands'
    expect 'stdout again'
done
