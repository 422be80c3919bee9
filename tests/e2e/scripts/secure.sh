#!/bin/sh
# secure.sh LIBRARY PROGRAM [DIRECTORY [ARGUMENT...]] - a set-user-ID program into which
# /etc/ld.so.preload loads the library, started by nobody. In a mount namespace, so
# that nobody else has either. Says what the program says, and which files it has made.
# Without arguments the program gets "cop closes". The environment names a copy of
# DIRECTORY in COP_MODULES, and its policy.so in COP_LOAD. MODE is the mode of the
# program's file.
set -e
mount --make-rprivate /
dir=$(mktemp -d)
mount -t tmpfs none "$dir"
chmod 755 "$dir"
mkdir "$dir/etc" "$dir/made" "$dir/modules"
chmod 777 "$dir/made"
cp -a /etc/. "$dir/etc/" 2>/dev/null || true
cp "$1" "$dir/libcop.so"
cp "$2" "$dir/program"
[ -z "$3" ] || cp -r "$3/." "$dir/modules"
shift $(($# < 3 ? $# : 3))
[ $# -gt 0 ] || set -- cop closes
chmod 755 "$dir/libcop.so"
chmod "${MODE:-4755}" "$dir/program"
echo "$dir/libcop.so" >"$dir/etc/ld.so.preload"
mount --bind "$dir/etc" /etc
setpriv --reuid 65534 --regid 65534 --clear-groups \
	env COP_STATS="$dir/made/file" COP_DEBUG=2 COP_MODULES="$dir/modules" \
	COP_LOAD="$dir/modules/policy.so" "$dir/program" "$@"
ls "$dir/made"
umount /etc
umount "$dir"
rmdir "$dir"
