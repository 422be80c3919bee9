#!/bin/sh
# secure.sh LIBRARY PROGRAM - a set-user-ID program into which /etc/ld.so.preload
# loads the library, started by nobody. In a mount namespace, so that nobody else
# has either. Says what the program says, and which files it has made.
set -e
mount --make-rprivate /
dir=$(mktemp -d)
mount -t tmpfs none "$dir"
chmod 755 "$dir"
mkdir "$dir/etc" "$dir/made"
chmod 777 "$dir/made"
cp -a /etc/. "$dir/etc/" 2>/dev/null || true
cp "$1" "$dir/libcop.so"
cp "$2" "$dir/program"
chmod 755 "$dir/libcop.so"
chmod 4755 "$dir/program"
echo "$dir/libcop.so" >"$dir/etc/ld.so.preload"
mount --bind "$dir/etc" /etc
setpriv --reuid 65534 --regid 65534 --clear-groups \
	env COP_STATS="$dir/made/file" COP_DEBUG=2 "$dir/program" cop closes
ls "$dir/made"
umount /etc
umount "$dir"
rmdir "$dir"
