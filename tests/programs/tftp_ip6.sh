#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: in.tftpd with tftp (tftp-hpa), over IPv6
# Packages: tftpd-hpa=in.tftpd tftp-hpa=tftp
# Works: yes
IP=6
. "$(dirname "$0")/tftp.sh"
