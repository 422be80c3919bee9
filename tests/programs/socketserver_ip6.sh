#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: python3's socketserver on [::], with clients of both families
# Packages: python3=/usr/bin/python3
# Works: yes
IP=6
. "$(dirname "$0")/socketserver.sh"
