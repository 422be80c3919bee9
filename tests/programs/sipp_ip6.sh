#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: sipp, uas and uac, with a socket for each call, over IPv6
# Packages: sip-tester=sipp
# Works: yes
IP=6
. "$(dirname "$0")/sipp.sh"
