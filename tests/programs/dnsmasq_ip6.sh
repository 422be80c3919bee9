#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: dnsmasq with dig, over IPv6, dig also over IPv4
# Packages: dnsmasq-base=dnsmasq bind9-dnsutils=dig
# Works: yes
IP=6
. "$(dirname "$0")/dnsmasq.sh"
