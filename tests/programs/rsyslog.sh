#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Program: rsyslogd (imudp, omfwd) and logger
# Packages: rsyslog=rsyslogd bsdutils=logger
# Works: yes
set -eu
. "$(dirname "$0")/lib.sh"
needs rsyslogd logger

udp_port_to 11514 11515

# config NAME PORT - of one that writes what it gets into NAME.messages.
config() {
    cat <<END
global(workDirectory="$dir")
module(load="imudp")
template(name="plain" type="string"
    string="%syslogfacility-text%.%syslogseverity-text% %programname%:%msg%\n")
action(type="omfile" file="$dir/$1.messages" template="plain")
input(type="imudp" address="$host" port="$2")
END
}

# The near one hands on what it gets to the far one.
config far 11515 >far.conf
config near 11514 >near.conf
cat >>near.conf <<END
action(type="omfwd" target="$host" port="11515" protocol="udp")
END
for name in far near; do
    serve rsyslogd -n -C -f "$dir/$name.conf" -i "$dir/$name.pid"
done
wait_udp 11514 11515

long=$(printf '%0700d' 7)
talk logger -n "$host" -d -P 11514 -p local3.warning -t first 'one message'
talk logger -n "$host" -d -P 11514 --rfc3164 -p user.info -t second "$long"
cat >expected <<END
local3.warning first: one message
user.info second: $long
END

# The space after the tag is part of the message in the old form alone.
for name in near far; do
    within grep -qs "^user.info second:.*$long" "$name.messages" ||
        fail "the message did not come to the $name one"
    sed 's/: */: /' "$name.messages" >received
    same received expected
done
cat received
