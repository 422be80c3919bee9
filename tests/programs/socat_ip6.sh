#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: socat with UDP6-LISTEN and UDP6-RECVFROM on [::], with UDP6-* and UDP4-* for clients
# Packages: socat
# Works: yes
IP=6
. "$(dirname "$0")/socat.sh"
