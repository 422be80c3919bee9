#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: memcached -U, with a client in Python
# Packages: memcached python3=/usr/bin/python3
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs memcached /usr/bin/python3

udp_port 11211
serve memcached -u "$(id -un)" -l "$(echo "$hosts" | tr " " ,)" -p 11211 -U 11211 -t 2 -o drop_privileges
wait_udp 11211
for to in $hosts; do
    talk /usr/bin/python3 "$here/memcached_client.py" "$to" 11211
    cat out
    expect 'long in 19'
done
