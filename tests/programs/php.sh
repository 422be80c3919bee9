#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: php, by its extension "sockets", which it opens with RTLD_DEEPBIND, and by streams
# Packages: php-cli=php
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs php

udp_port 11506
for to in $hosts; do
    serve php "$here/php_server.php" "$any" 11506
    wait_udp 11506
    talk php "$here/php_client.php" "$to" 11506
    end_server
    cat out
    expect 'connected'
    expect 'by a stream'
    expect 'long'
    expect 'the end'
done
