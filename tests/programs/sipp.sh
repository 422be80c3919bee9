#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: sipp, uas and uac, on one socket and with one for each call
# Packages: sip-tester=sipp
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs sipp

udp_port 5060
# Twenty calls, each an INVITE that is answered, an ACK and a BYE.
modes='u1 un'
[ "$ip" = 4 ] || modes=un
for mode in $modes; do
    serve sipp -sn uas -i "$at" -p 5060 -m 20 -nostdin -max_socket 100 \
        -timeout 20 -timeout_error
    wait_udp 5060
    talk sipp -sn uac -i "$at" "$at:5060" -t "$mode" -m 20 -r 50 \
        -d 20 -nostdin -max_socket 100 -timeout 20 -timeout_error \
        -trace_stat -stf "$mode.csv" -fd 1
    end_server
    # The last line of the statistics; columns are found by their names.
    awk -F ';' -v mode="$mode" '
        NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
        END {
            print mode ":", $column["TotalCallCreated"], "calls,",
                $column["SuccessfulCall(C)"], "went well,",
                $column["FailedCall(C)"], "failed"
        }' "$mode.csv" >calls
    cat calls
    expect_in calls '20 calls, 20 went well, 0 failed'
done
