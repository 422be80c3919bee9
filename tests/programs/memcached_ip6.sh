#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: memcached -U on ::1 and 127.0.0.1, with clients of both families in Python
# Packages: memcached python3=/usr/bin/python3
# Works: yes
IP=6
. "$(dirname "$0")/memcached.sh"
