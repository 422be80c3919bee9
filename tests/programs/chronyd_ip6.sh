#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: chronyd, as server and as client, confined by its filter, and chronyc, over IPv6
# Packages: chrony=chronyd
# Works: yes
IP=6
. "$(dirname "$0")/chronyd.sh"
