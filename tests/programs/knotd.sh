#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: knotd with kdig and dnsperf: batches by recvmmsg and sendmmsg
# Packages: knot=knotd knot-dnsutils=kdig dnsperf
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
. "$here/lib_dns.sh"
needs knotd kdig dnsperf

make_zone zone
cat >conf <<END
server:
    listen: $host@5300
    rundir: $dir
    udp-workers: 2
    user: $(id -un):$(id -gn)
database:
    storage: $dir
zone:
  - domain: example.test
    file: $dir/zone
    zonefile-sync: -1
    journal-content: none
END
serve knotd -c "$dir/conf"
wait_udp 5300
udp_port 5300
ask 5300
