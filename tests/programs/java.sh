#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: java's DatagramSocket and DatagramChannel, with preferIPv4Stack
# Packages: default-jdk-headless=javac
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs java javac

# Without the property all sockets are dual-stack, those of clients as well. The files
# that -XX:+UsePerfData makes in /tmp are named by process ids of this namespace.
options='-XX:-UsePerfData -XX:TieredStopAtLevel=1'
[ "$ip" = 6 ] || options="$options -Djava.net.preferIPv4Stack=true"
javac -J-XX:-UsePerfData -d . "$here/java_server.java" "$here/java_client.java"

udp_port 11508
for to in $hosts; do
    # shellcheck disable=SC2086
    serve java $options -cp . Server "$any" 11508
    wait_udp 11508
    # shellcheck disable=SC2086
    talk java $options -cp . Client "$to" 11508
    end_server
    expect_log closed
    cat out
    expect 'not connected'
    expect 'nobody there'
    expect 'connected: fifty at once'
    expect 'connected: long'
    expect 'a channel'
    expect 'the end'
done
