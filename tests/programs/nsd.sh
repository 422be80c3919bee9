#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: nsd with kdig and dnsperf: batches by recvmmsg and sendmmsg
# Packages: nsd knot-dnsutils=kdig dnsperf
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
. "$here/lib_dns.sh"
needs nsd kdig dnsperf

make_zone zone
cat >conf <<END
server:
    ip-address: $host@5300
    server-count: 1
    username: $(id -un)
    chroot: ""
    zonesdir: "$dir"
    database: ""
    pidfile: "$dir/pid"
    zonelistfile: "$dir/list"
    xfrdfile: "$dir/xfrd"
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: example.test
    zonefile: zone
END
serve nsd -d -c "$dir/conf"
wait_udp 5300
udp_port 5300
ask 5300
