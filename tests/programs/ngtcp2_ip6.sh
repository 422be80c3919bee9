#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: gtlsserver with gtlsclient, over IPv6
# Packages: ngtcp2-server=gtlsserver ngtcp2-client=gtlsclient
# Tools: openssl
# Works: yes
IP=6
. "$(dirname "$0")/ngtcp2.sh"
