#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: php's sockets of AF_INET6 on [::], with clients of both families
# Packages: php-cli=php
# Works: yes
IP=6
. "$(dirname "$0")/php.sh"
