#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: chronyd, as server and as client (-Q), confined by its filter (-F 1), and chronyc
# Packages: chrony=chronyd
# Works: yes
#
# Neither chronyd touches the clock (-x) or gives up its rights (-U). Both are killed
# by a system call that they do not expect.
set -eu
. "$(dirname "$0")/lib.sh"
needs chronyd chronyc

udp_port 11123 11323
mkdir -m 700 server client
cat >server.conf <<END
local stratum 5
allow $host
bindaddress $host
port 11123
cmdallow $host
bindcmdaddress $host
cmdport 11323
bindcmdaddress $dir/server/socket
pidfile $dir/server.pid
END
cat >client.conf <<END
server $host port 11123 iburst xleave minpoll -3 maxpoll -3
cmdport 0
bindcmdaddress $dir/client/socket
pidfile $dir/client.pid
END

serve chronyd "-$ip" -F 1 -d -x -U -u "$(id -un)" -f "$dir/server.conf"
wait_udp 11123 11323

# Both have the same clock.
talk chronyd "-$ip" -F 1 -Q -x -U -u "$(id -un)" -t 15 -f "$dir/client.conf"
sed -n 's/.*\(System clock wrong by \)-\{0,1\}\(0\.00\).*/\1\2/p' err >offset
cat offset
[ -s offset ] || fail "no offset, or a large one: $(cat err)"

talk chronyc -h "$host" -p 11323 tracking
grep -E '^(Stratum|Leap)' out
expect 'Stratum         : 5'

# How many it was asked, and how many of these it has dropped.
talk chronyc -c -h "$dir/server/socket" serverstats
say "server: $(cut -d, -f1,2 out)"
expect '4,0,'

# One that goes on asking learns from the kernel when what it sent has left. It knows
# that by the bytes of what it sent, which the queue of errors does not have if they
# were encrypted.
left=Kernel
[ "${CARRIER-}" != sealed ] || left=Daemon
serve chronyd "-$ip" -F 1 -d -x -U -u "$(id -un)" -f "$dir/client.conf"
within [ -S client/socket ] || fail_server 'no socket for commands'
talk chronyc -h "$dir/client/socket" waitsync 150 0 0 0.1
settled() {
    chronyc -h "$dir/client/socket" ntpdata >ntpdata &&
        grep -q "^TX timestamping : $left" ntpdata
}
within settled || fail "no timestamps of the kernel: $(cat ntpdata)"
grep '^RX timestamping' ntpdata
