#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: node's dgram: a server of udp6 on [::], with clients of udp6 and udp4
# Packages: nodejs=node
# Works: yes
IP=6
. "$(dirname "$0")/node.sh"
