#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: perl's IO::Socket::IP on [::], with clients of both families
# Packages: perl
# Works: yes
IP=6
. "$(dirname "$0")/perl.sh"
