#!/bin/sh
# SPDX-License-Identifier: MIT
#
# systemd.sh DIRECTORY - start systemd as the first process of a system of its own, with
# this machine's files, and run DIRECTORY/script in it. Its services are those of
# DIRECTORY/units, its network has only the loopback, and DIRECTORY is /run/t there.
#
# Exits as the script does, with 77 if the machine forbids it, and 78 if it takes too
# long.
set -eu

dir=$1
init=/usr/lib/systemd/systemd
[ -x "$init" ] || init=/lib/systemd/systemd

skip() {
    echo "$*" >&2
    exit 77
}

# Runs in namespaces of its own.
boot() {
    mount --make-rprivate / &&
        mount -t tmpfs none /run &&
        mkdir /run/t &&
        mount --bind "$dir" /run/t &&
        mkdir -p /etc/systemd/system &&
        mount -t tmpfs none /etc/systemd/system &&
        mount -t sysfs none /sys &&
        mount -t cgroup2 none /sys/fs/cgroup &&
        ip link set lo up || skip "this machine forbids mounts"
    mkdir -p /run/systemd/system
    cp "$dir"/units/* /run/systemd/system
    cat >/run/systemd/system/try.service <<END
[Unit]
DefaultDependencies=no
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
ExecStart=/bin/sh -eu /run/t/script
StandardOutput=file:/run/t/out
StandardError=file:/run/t/err
WorkingDirectory=/run/t
END
    exec env -i PATH="$PATH" container=cop "$init" --system --unit=try.service \
        --log-target=null --show-status=no
}

[ "${2-}" != boot ] || boot

[ "$(id -u)" = 0 ] || skip "systemd needs root"
[ -x "$init" ] || skip "systemd is not installed"
hierarchy=$dir/cgroup
mkdir -p "$hierarchy"
own=$hierarchy/cop-test-$$

# The system gets a control group of its own, and leaves none behind. The mount is seen
# by this script alone.
if [ "${2-}" != alone ]; then
    unshare --mount true 2>/dev/null || skip "this machine forbids namespaces"
    exec unshare --mount "$0" "$dir" alone
fi
mount -t cgroup2 none "$hierarchy" 2>/dev/null && mkdir "$own" 2>/dev/null ||
    skip "this machine forbids control groups"
trap 'find "$own" -depth -type d -exec rmdir {} \; 2>/dev/null' EXIT
status=0
timeout -k 1 50 sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' - "$own" \
    unshare --mount --pid --fork --kill-child --net --ipc --uts --cgroup \
    --mount-proc "$0" "$dir" boot </dev/null || status=$?
for i in 1 2 3 4 5 6 7 8 9; do
    ! grep -q 'populated 1' "$own/cgroup.events" || sleep 0.2
done
[ "$status" -ne 124 ] && [ "$status" -ne 137 ] || status=78
exit "$status"
