#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: bash's /dev/udp of both families, with socat on [::]
# Packages: bash socat
# Works: yes
IP=6
. "$(dirname "$0")/bash.sh"
