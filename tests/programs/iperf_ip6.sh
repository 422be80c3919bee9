#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: iperf -u -V, also with --reverse and --full-duplex
# Packages: iperf
# Works: yes
IP=6
. "$(dirname "$0")/iperf.sh"
