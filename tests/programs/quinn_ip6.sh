#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: a server and a client of quinn, over IPv6
# Packages: cargo librust-quinn-dev=/usr/share/doc/librust-quinn-dev librust-tokio-dev=/usr/share/doc/librust-tokio-dev
# Tools: openssl
# Works: yes
IP=6
. "$(dirname "$0")/quinn.sh"
