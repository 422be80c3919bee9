#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: knotd with kdig and dnsperf, over IPv6
# Packages: knot=knotd knot-dnsutils=kdig dnsperf
# Works: yes
IP=6
. "$(dirname "$0")/knotd.sh"
