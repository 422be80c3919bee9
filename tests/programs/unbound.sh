#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: unbound with kdig, forwarding to another unbound, two threads with SO_REUSEPORT
# Packages: unbound knot-dnsutils=kdig
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs unbound kdig

# dns PORT LINE... - of its configuration.
dns() {
    port=$1
    shift
    cat >"conf.$port" <<END
server:
    interface: $host
    port: $port
    do-daemonize: no
    do-ip6: $ip6
    access-control: $host/$bits allow
    do-tcp: no
    use-syslog: no
    username: ""
    chroot: ""
    pidfile: ""
    directory: "$dir"
    num-threads: 2
    so-reuseport: yes
    do-not-query-localhost: no
    module-config: "iterator"
$(printf '%s\n' "$@")
remote-control:
    control-enable: no
END
    serve unbound -d -c "$dir/conf.$port"
    wait_udp "$port"
    udp_port "$port"
}

ask() {
    talk kdig +notcp +retry=0 +time=10 +short "$@"
    [ -s out ] || fail "no answer to $*"
    say "$*: $(cat out)"
}

ip6=yes bits=128
[ "$ip" = 6 ] || ip6=no bits=32
dns 5300 '    local-zone: "example." static' \
    '    local-data: "far.example. A 192.0.2.7"' \
    '    local-data: "text.example. TXT something"'
dns 5301 'forward-zone:' '    name: "."' '    forward-addr: '"$host@5300"

for _ in 1 2 3 4 5; do
    ask "@$host" -p 5300 far.example A
done
ask "@$host" -p 5301 far.example A
ask "@$host" -p 5301 text.example TXT
