# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# bash_client.bash ADDRESS PORT - talk with socat, which echoes, by bash's own /dev/udp and
# its builtins, which print by stdio.
set -eu
exec 3<>"/dev/udp/$1/$2"

# A read of bash's takes one byte, and the datagram with it.
answer() {
    dd bs=65536 count=1 <&3 2>/dev/null
}

echo 'by echo' >&3
answer
printf '%s %d' 'by printf' 7 >&3
answer
echo
# A child of socat's answers each of them, and the second may be faster.
printf 'line\nanother\n' >&3
{
    answer
    answer
} | sort
{
    echo 'one group'
    answer >&2
    printf 'of commands\n'
} 2>&1 >&3 | cat
answer
(echo 'a subshell' >&3)
answer
cat <<<'a program' >&3
answer
exec 3>&-
echo 'stdout again'
