#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: snmpd on udp6 with snmpget, snmpset, snmpwalk, snmpbulkwalk
# Packages: snmpd snmp=snmpget
# Works: yes
IP=6
. "$(dirname "$0")/snmp.sh"
