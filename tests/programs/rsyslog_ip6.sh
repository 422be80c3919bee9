#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: rsyslogd (imudp, omfwd) and logger -n ::1
# Packages: rsyslog=rsyslogd bsdutils=logger
# Works: yes
IP=6
. "$(dirname "$0")/rsyslog.sh"
