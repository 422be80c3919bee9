#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: java's DatagramSocket and DatagramChannel, dual-stack, over IPv6 and IPv4
# Packages: default-jdk-headless=javac
# Works: yes
IP=6
. "$(dirname "$0")/java.sh"
