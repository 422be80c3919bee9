#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: perl's IO::Socket::INET
# Packages: perl
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs perl

udp_port 11503
for to in $hosts; do
    serve perl "$here/perl_server.pl" "$any" 11503
    wait_udp 11503
    talk perl "$here/perl_client.pl" "$to" 11503
    end_server
    cat out
    expect 'connected'
    expect 'from a child'
    expect 'not connected'
    expect 'long'
    expect 'the end'
done
