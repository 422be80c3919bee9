#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: ncat -u -6 with -k and --sh-exec on [::], with clients of both families
# Packages: ncat
# Works: yes
IP=6
. "$(dirname "$0")/ncat.sh"
