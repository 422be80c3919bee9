#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: coap-server with coap-client (libcoap), also block-wise, over IPv6
# Packages: libcoap3-bin=coap-server-notls
# Works: yes
IP=6
. "$(dirname "$0")/coap.sh"
