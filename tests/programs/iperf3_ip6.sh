#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: iperf3 -s on [::], with -u -c ::1, localhost and 127.0.0.1
# Packages: iperf3
# Tools: jq
# Works: yes
IP=6
. "$(dirname "$0")/iperf3.sh"
