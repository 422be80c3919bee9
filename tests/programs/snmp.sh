#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: snmpd with snmpget, snmpset, snmpwalk, snmpbulkwalk
# Packages: snmpd snmp=snmpget
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs snmpd snmpget snmpset snmpwalk snmpbulkwalk

udp_port 11161
if [ "$ip" = 4 ]; then
    agent=udp:127.0.0.1:11161 community='rwcommunity public 127.0.0.1'
else
    agent='udp6:[::1]:11161' community='rwcommunity6 public ::1'
fi
mkdir state
export SNMP_PERSISTENT_DIR="$dir/state" MIBS=
cat >snmpd.conf <<END
agentAddress $agent
$community
sysLocation the cellar
sysName one.example
END

system=.1.3.6.1.2.1.1
contact=$system.4.0
location=$system.6.0

# What the agent's uptime is depends on when it is asked.
but_uptime() {
    grep -v "^$system.3.0 " out
}

serve snmpd -f -Lo -C -c "$dir/snmpd.conf" -p "$dir/snmpd.pid" \
    -I system_mib,sysORTable,snmp_mib
wait_udp 11161

talk snmpget -On -v 2c -c public "$agent" "$location"
cat out
expect "$location = STRING: \"the cellar\""
talk snmpset -On -v 2c -c public "$agent" "$contact" s nobody
talk snmpget -On -v 1 -c public "$agent" "$contact"
cat out
expect "$contact = STRING: \"nobody\""

# A request for each line, then one for many of them.
talk snmpwalk -On -v 2c -c public "$agent" "$system"
expect "$system.5.0 = STRING: \"one.example\""
but_uptime | sort >walked
grep "^$system.[456].0" walked
talk snmpbulkwalk -On -v 2c -c public "$agent" "$system"
but_uptime | sort >bulk
same walked bulk
