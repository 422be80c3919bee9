#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: qperf udp_lat and udp_bw with ::1 and 127.0.0.1
# Packages: qperf
# Works: yes
IP=6
. "$(dirname "$0")/qperf.sh"
