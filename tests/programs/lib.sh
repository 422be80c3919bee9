# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC1007,SC2034,SC2094,SC2154
#
# Tools: tcpdump socat iproute2=ip
#
# lib.sh - what the scripts beside it begin with: a real program's server and its
# client, talking UDP, and a proof of what crossed the wire.
#
#   NAME.sh                               plain UDP: nothing may be COP
#   RUN='cop run --adopt --' NAME.sh      every datagram must be COP
#   CARRIER=skeleton RUN=... NAME.sh      every datagram must have the header of
#                                         transports/skeleton; RUN has --transport
#   CARRIER=udplite RUN=... NAME.sh       likewise, of transports/udplite
#   CARRIER=sealed RUN=... NAME.sh        likewise, of transports/sealed, and behind the
#                                         header there is nothing but noise
#
# The words of $RUN go before each program that serve and talk start. A script
# prints what came out of it, which must not depend on $RUN. Exits with 77, and
# says why, where a program or a namespace is not to be had.
#
# It runs in a network, a mount and a process namespace of its own: every port is
# free, nobody else is on the wire, and what it has started ends with it. All that
# crosses lo is captured; the capture is judged when the script ends, and there
# is no way past that. The working directory is empty and goes away.
#
# A script's header says "# Program:", "# Packages:" of the programs under test
# and, if there are any, "# Tools:" for more packages, both as scripts/need wants
# them, "# Works:" and, if there is something to say, "# Note:". The Makefile and
# docs/PROGRAMS.md are made of these.
#
# NAME_ip6.sh sets IP=6 and runs NAME.sh, which takes its addresses from here:
#   $ip      4 or 6
#   $host    of the loopback interface; $at is the same as URLs write it
#   $second  another address of the loopback interface
#   $any     what a server binds that takes all addresses. With IP=6 it takes
#            those of IPv4, too
#   $hosts   what clients call that server by: with IP=6 by IPv4's address, too

# ---- namespaces ----------------------------------------------------------------

# The outer process is there to remove the directory.
if [ -z "${PROGRAM_DIR-}" ]; then
    PATH=$PATH:/usr/sbin:/sbin
    spaces='--net --mount --pid --fork --kill-child --mount-proc'
    # Everybody stays who he is: as root daemons change to other users, and
    # tcpdump does, who can't where there is but one user.
    [ "$(id -u)" -eq 0 ] || spaces="--map-current-user --keep-caps $spaces"
    # shellcheck disable=SC2086
    unshare $spaces true || {
        echo 'no namespaces are to be had' >&2
        exit 77
    }
    PROGRAM_DIR=$(mktemp -d)
    trap 'rm -rf "$PROGRAM_DIR"' EXIT
    export PATH PROGRAM_DIR
    # shellcheck disable=SC2086
    unshare $spaces /bin/sh "$0" "$@"
    exit
fi
ip link set lo up
# Programs that look an address up with AI_ADDRCONFIG find none on a host that
# has but loopback addresses.
ip address add 192.0.2.1/32 dev lo
ip=${IP-4}
case $ip in
4)
    host=127.0.0.1 at=127.0.0.1 second=127.0.0.2 any=0.0.0.0 hosts=127.0.0.1
    ;;
6)
    host=::1 at='[::1]' second=2001:db8::1 any=:: hosts='::1 127.0.0.1'
    ip -6 address add "$second/128" dev lo nodad 2>/dev/null || {
        echo 'this host has no IPv6' >&2
        exit 77
    }
    ;;
esac

SENTINEL=9     # the discard port, on which the last datagram of a capture goes
PATIENCE=200   # tenths of a second after which what is awaited will not come
RUN=${RUN-}
case $RUN in
./* | ../*) RUN=$PWD/$RUN ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
dir=$PROGRAM_DIR
unset PROGRAM_DIR
chmod 755 "$dir"
cd "$dir" || exit
plain_ports= senders= receivers= servers= n_servers=0 tcpdump=

# ---- what scripts use ------------------------------------------------------------

# say TEXT... - a line of the script's result.
say() {
    printf '%s\n' "$*"
}

# fail TEXT... - end the script.
fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# needs COMMAND... - what the script can't do without.
needs() {
    for command; do
        command -v "$command" >/dev/null && continue
        echo "$command is not installed" >&2
        exit 77
    done
}

# udp_port PORT... - there must be datagrams to and from each of these.
udp_port() {
    receivers="$receivers $*" senders="$senders $*"
}

# udp_port_to PORT... - there must be datagrams to each of these.
udp_port_to() {
    receivers="$receivers $*"
}

# plain_port PORT... - there must be datagrams to and from each of these, which
# must not be COP whatever $RUN says.
plain_port() {
    plain_ports="$plain_ports $*"
    udp_port "$@"
}

# replace FILE - by stdin, for this mount namespace.
replace() {
    cat >"$(basename "$1")"
    mount --bind "$(basename "$1")" "$1" || exit 77
}

# within COMMAND... - wait until the command succeeds.
within() {
    tries=$PATIENCE
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.1
    done
}

# serve COMMAND... - start it under $RUN. Its process is $server, what it says is
# in the file $log.
serve() {
    # shellcheck disable=SC2086
    serve_plain $RUN "$@"
}

# serve_plain COMMAND... - start it, without $RUN.
serve_plain() {
    n_servers=$((n_servers + 1))
    log=$dir/server.$n_servers
    # What is started with & alone has no stdin.
    { "$@" <&3 >"$log" 2>&1 3<&- & } 3<&0
    server=$!
    servers="$servers $server"
}

# wait_udp PORT... - wait until sockets are bound to these, of whatever address.
wait_udp() {
    for port; do
        within udp_is_bound "$port" || fail_server "nobody bound UDP port $port"
    done
}

# wait_tcp PORT... - wait until somebody listens there.
wait_tcp() {
    for port; do
        within tcp_is_bound "$port" || fail_server "nobody bound TCP port $port"
    done
}

# wait_log TEXT - wait until the last server has said it.
wait_log() {
    within grep -qF -e "$1" "$log" || fail_server "the server did not say '$1'"
}

# end_server - wait until the last server has ended by itself, and well.
end_server() {
    await "$server" 0
}

# stop_server - end the last server as an administrator would.
stop_server() {
    kill "$server" 2>/dev/null || :
    await "$server" '0 1 143'
}

# talk COMMAND... - run it under $RUN, to its end. Its stdout goes into the file
# "out", its stderr into "err". Fails unless it succeeds.
talk() {
    # shellcheck disable=SC2086
    talk_plain $RUN "$@"
}

# talk_plain COMMAND... - likewise, without $RUN.
talk_plain() {
    status=0
    timeout -k 2 "$((PATIENCE / 10))" "$@" >out 2>err || status=$?
    [ "$status" -eq 0 ] && return
    show "'$*': exit status $status" out err "${log:-/dev/null}" >&2
    return 1
}

# expect TEXT - the last talk must have said it.
expect() {
    cat out err >said
    expect_in said "$1"
}

# expect_log TEXT - the last server must have said it.
expect_log() {
    expect_in "$log" "$1"
}

# expect_in FILE TEXT
expect_in() {
    grep -qF -e "$2" "$1" && return
    show "no '$2' in:" "$1" >&2
    exit 1
}

# same FILE FILE - of files that must not be empty.
same() {
    [ -s "$1" ] || fail "$1 is empty"
    cmp "$1" "$2" >&2 || fail "$1 and $2 differ"
}

# ---- helpers ---------------------------------------------------------------------

show() {
    printf '%s: %s\n' "$(basename "$0")" "$1"
    shift
    for file; do
        [ ! -s "$file" ] || { echo "--- $(basename "$file")" && tail -n 40 "$file"; }
    done
}

fail_server() {
    show "$1" "$log" >&2
    exit 1
}

udp_is_bound() {
    grep -qs "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$1") " /proc/net/udp /proc/net/udp6
}

tcp_is_bound() {
    grep -qs "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$1") [0-9A-F:]* 0A " \
        /proc/net/tcp /proc/net/tcp6
}

# A process that has ended and was not waited for is gone as well.
gone() {
    ! grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$1/status"
}

# await PID STATUS... - a server's end, with one of these for its exit status.
await() {
    within gone "$1" || fail_server "$1 did not end"
    status=0
    wait "$1" 2>/dev/null || status=$?
    case " $2 " in
    *" $status "*) ;;
    *) fail_server "the server's exit status was $status" ;;
    esac
    left=
    for pid in $servers; do
        [ "$pid" = "$1" ] || left="$left $pid"
    done
    servers=$left
}

# ---- the wire ----------------------------------------------------------------------

# Later fragments have no UDP header, so that they are no datagrams. COP's header
# has 16 bytes and begins with a magic number, version and length. A filter can say
# udp[] of IPv4 alone; IPv6's header has 40 bytes, and 8 more in a fragment.
FRAGMENT6='ip6[6] = 44'
LATER="(ip[6:2] & 0x1fff != 0) or ($FRAGMENT6 and ip6[42:2] & 0xfff8 != 0)"
DATAGRAMS="udp and not ($LATER) and not port $SENTINEL"
# begins_with HEADER LEAST - a filter: datagrams of LEAST bytes or more, with UDP's
# header, behind which HEADER is true. There @N stands for byte N of the UDP header, 8
# is the first one behind it.
begins_with() {
    in4=$(echo "$1" | sed 's/@\([0-9]*\)/udp[\1/g')
    in6=$(echo "$1" | sed 's/@\([0-9]*\)/ip6[40+\1/g')
    in_fragment=$(echo "$1" | sed 's/@\([0-9]*\)/ip6[48+\1/g')
    echo "((($in4) and udp[4:2] >= $2) or
        (ip6[6] = 17 and ($in6) and ip6[44:2] >= $2) or
        ($FRAGMENT6 and ($in_fragment) and ip6[52:2] >= $2))"
}

# The header of transports/skeleton has 8 bytes and begins with a magic number; in a
# server's output it is told by a number of less than 256 behind two ports. That of
# UDP-Lite has the ports and the length of UDP's, and in a server's output it is told by
# the server's port. A sealed one has 48 bytes, and the tag 16; some of what is behind
# them is captured, too.
SNAP=96
case ${CARRIER-cop} in
sealed)
    COP=$(begins_with '@8:4] & 0xffffff00 = 0x5ea10100' 72)
    SHOWN='\x5e\xa1\x01' SNAP=160
    ;;
cop)
    COP=$(begins_with '@8:4] & 0xffffff00 = 0xc0b11400' 24)
    SHOWN='\xc0\xb1\x14'
    ;;
skeleton)
    COP=$(begins_with '@8:4] & 0xffff0000 = 0x534b0000' 16)
    SHOWN='SK.{4}\x00'
    ;;
udplite)
    COP=$(begins_with '@8:4] = @0:4] and @12:2] = @4:2] - 8 and @14:2] != 0' 16)
    SHOWN=
    ;;
esac

# The beginning of a datagram is enough, and room for bursts is there.
start_capture() {
    tcpdump -i lo -n -Z root -U --immediate-mode -s $SNAP -B 65536 -w wire \
        >tcpdump 2>&1 &
    tcpdump=$!
    within listening_or_gone
    listening || {
        show 'nothing can be captured on lo' tcpdump >&2
        exit 77
    }
}

listening() {
    grep -qs 'listening on' tcpdump
}

listening_or_gone() {
    listening || gone "$tcpdump"
}

# count FILTER... - how many of what was captured.
count() {
    tcpdump -r wire -qtn "$*" 2>/dev/null | wc -l
}

captured_sentinel() {
    [ "$(tcpdump -r wire -qtn -c 1 "udp dst port $SENTINEL" 2>/dev/null |
        wc -l)" -eq 1 ]
}

# The capture is complete when it holds what was sent after all else.
stop_capture() {
    echo end | socat - "UDP4-SENDTO:127.0.0.1:$SENTINEL" || :
    within captured_sentinel || fail 'the capture has no end'
    kill "$tcpdump"
    wait "$tcpdump" || fail "tcpdump's exit status was $?"
    grep -q '^0 packets dropped by kernel' tcpdump ||
        fail "the capture has holes: $(tail -n 1 tcpdump)"
}

# any_port PORT... - a filter.
any_port() {
    printf '(port %s' "$1"
    shift
    [ $# -eq 0 ] || printf ' or port %s' "$@"
    printf ')'
}

judge_plain_ports() {
    # shellcheck disable=SC2086
    filter=$(any_port $plain_ports)
    cop=$(count "$filter and $COP")
    [ "$cop" -eq 0 ] || fail "$cop datagrams of$plain_ports were COP"
    others="$others and not $filter"
}

judge_directions() {
    for port in $receivers; do
        [ "$(count "udp dst port $port")" -gt 0 ] || fail "nothing to port $port"
    done
    for port in $senders; do
        [ "$(count "udp src port $port")" -gt 0 ] || fail "nothing from port $port"
    done
}

# Ports that must stay plain are judged apart from all others.
judge() {
    others=$DATAGRAMS
    [ -z "$plain_ports" ] || judge_plain_ports
    judge_directions
    all=$(count "$others")
    cop=$(count "$others and $COP")
    echo "wire: $all datagrams, $cop COP" >&2
    [ "$all" -gt 0 ] || fail 'nothing crossed the wire'
    [ "$ip" = 4 ] || [ "$(count "$others and ip6")" -gt 0 ] ||
        fail 'nothing crossed the wire by IPv6'
    expected=0
    [ -z "$RUN" ] || expected=$all
    [ "$cop" -eq "$expected" ] ||
        fail "of $all datagrams $cop were COP and not $expected"
}

# Sealed bytes are as good as random: each value comes as often as any other. Over 255
# degrees of freedom chi-squared is below 400 but once in 10^8 times; text is far beyond.
judge_noise() {
    [ "${CARRIER-}" = sealed ] || return 0
    tcpdump -r wire -w noise "$others and $COP" 2>/dev/null
    /usr/bin/python3 - <<'END' || fail 'what is sealed is no noise'
import struct

data = open("noise", "rb").read()
at, counts = 24, [0] * 256
while at < len(data):
    length = struct.unpack("<I", data[at + 8:at + 12])[0]
    packet = data[at + 16:at + 16 + length]
    at += 16 + length
    udp = 14 + (20 if packet[12:14] == b"\x08\x00" else
                48 if packet[20] == 44 else 40)
    for byte in packet[udp + 8 + 48:]:
        counts[byte] += 1
n = sum(counts)
chi = sum((c - n / 256) ** 2 for c in counts) / (n / 256)
print("%d bytes, chi-squared %.0f" % (n, chi))
raise SystemExit(n < 16 or chi > 400)
END
}

# A server that says what it receives never says a header.
judge_servers() {
    for port in $receivers; do
        LC_ALL=C grep -alP -e "${SHOWN:-$(printf '\\x%02x\\x%02x[\\x00-\\x05].' \
            $((port >> 8)) $((port & 255)))}" server.* >>saying || :
    done
    [ -s saying ] || return 0
    fail "a header is in the output of: $(tr '\n' ' ' <saying)"
}

# ---- the end -----------------------------------------------------------------------

# Servers end before the capture does, so that their last words are in it.
finish() {
    status=$?
    trap - EXIT
    [ "$status" -eq 0 ] || exit "$status"
    for server in $servers; do
        stop_server
    done
    stop_capture
    judge
    judge_noise >&2
    judge_servers
}
trap finish EXIT
start_capture
