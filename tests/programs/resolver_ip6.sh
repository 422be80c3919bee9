#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: getent and python3, whose names libc looks up on plain UDP over IPv6
# Packages: libc6=/usr/share/doc/libc6 python3=/usr/bin/python3
# Tools: dnsmasq-base=dnsmasq socat
# Works: yes
# Note: libc's resolver is not adopted, so that name servers need not be.
IP=6
. "$(dirname "$0")/resolver.sh"
