#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: coturn's turnserver with turnutils_*, over IPv6
# Packages: coturn=turnserver
# Works: yes
IP=6
. "$(dirname "$0")/coturn.sh"
