#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: unbound with kdig, forwarding to another unbound, over IPv6
# Packages: unbound knot-dnsutils=kdig
# Works: yes
IP=6
. "$(dirname "$0")/unbound.sh"
