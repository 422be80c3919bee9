#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: nc.openbsd -u -6
# Packages: netcat-openbsd=nc.openbsd
# Works: yes
IP=6
. "$(dirname "$0")/netcat.sh"
