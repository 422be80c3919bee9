#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: nsd with kdig and dnsperf, over IPv6
# Packages: nsd knot-dnsutils=kdig dnsperf
# Works: yes
IP=6
. "$(dirname "$0")/nsd.sh"
