#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: getent and python3, whose names libc looks up on plain UDP
# Packages: libc6=/usr/share/doc/libc6 python3=/usr/bin/python3
# Tools: dnsmasq-base=dnsmasq socat
# Works: yes
# Note: libc's resolver is not adopted, so that name servers need not be.
set -eu
. "$(dirname "$0")/lib.sh"
needs dnsmasq getent socat
needs /usr/bin/python3

echo "nameserver $host" | replace /etc/resolv.conf
echo 'hosts: files dns' | replace /etc/nsswitch.conf

family=AF_INET named=192.0.2.9
[ "$ip" = 4 ] || family=AF_INET6 named=2001:db8::9

plain_port 53
serve_plain dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= \
    --no-hosts --no-resolv --address=/cop.test/127.0.0.5 --address=/cop.test/::1 \
    --host-record=named.test,192.0.2.9,2001:db8::9
wait_udp 53
udp_port 5000
serve socat "UDP$ip-RECVFROM:5000,fork" PIPE
wait_udp 5000

talk getent ahostsv4 cop.test
expect '127.0.0.5'
say "$(awk '{ print $1, $2 }' out)"
[ "$ip" = 4 ] || {
    talk getent ahostsv6 cop.test
    expect '::1'
    say "$(awk '{ print $1, $2 }' out)"
}
talk getent hosts "$named"
expect 'named.test'
say "$(cat out)"

# A name that is looked up, then a socket that is adopted in the same process.
cat >talk.py <<'END'
import socket
import sys

family, kind, proto, _, address = socket.getaddrinfo(
    "one.cop.test", 5000, getattr(socket, sys.argv[1]), socket.SOCK_DGRAM)[0]
sock = socket.socket(family, kind, proto)
sock.settimeout(10)
sock.sendto(b"hello", address)
print(address[:2], sock.recv(100))
print(socket.gethostbyname("two.cop.test"))
END
talk /usr/bin/python3 talk.py "$family"
say "$(cat out)"
