#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: openssl s_server and s_client with -dtls, -listen and -mtu, over IPv6
# Packages: openssl
# Works: yes
IP=6
. "$(dirname "$0")/dtls.sh"
