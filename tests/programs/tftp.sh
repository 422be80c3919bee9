#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: in.tftpd with tftp (tftp-hpa)
# Packages: tftpd-hpa=in.tftpd tftp-hpa=tftp
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs in.tftpd tftp
[ "$(id -u)" -eq 0 ] || {
    echo 'in.tftpd runs for root only' >&2
    exit 77
}

# Each transfer has a socket of its own in the server, with another port.
udp_port_to 69
mkdir files
head -c 100000 /dev/urandom >files/there
: >files/back
chmod 666 files/*
serve in.tftpd --foreground "--ipv$ip" --address "$at:69" --user root \
    --secure --permissive "$dir/files"
wait_udp 69

talk tftp "-$ip" -m binary "$host" -c get there here
same files/there here
say 'fetched'
talk tftp "-$ip" -m binary "$host" -c put here back
within cmp -s files/there files/back || fail 'what was stored differs'
say 'stored'
talk tftp "-$ip" -m binary "$host" -c get absent
expect 'File not found'
say 'not found'
