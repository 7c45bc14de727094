#!/bin/sh
# A machine for systemd: namespaces of its own (mounts, processes, names, cgroups, IPC; not the
# network), this machine's files below a layer of memory, and systemd as process 1. Nothing of it
# reaches this machine but its listening ports; it goes with its first process.
# Started by `unshare --mount --pid --uts --ipc --fork`. Arguments: an empty folder, the clone,
# a folder with units, a folder for /etc/windrow.
set -eu
folder=$1 clone=$2 units=$3 settings=$4

if [ "${5:-}" = '' ]; then
  mount --make-rprivate /
  mount -t tmpfs windrow-test "$folder"
  mkdir "$folder/groups"
  mount -t cgroup2 windrow-test "$folder/groups"
  # systemd manages the group in which it finds itself: one of its own.
  group="$folder/groups/$(basename "$(dirname "$folder")")"
  mkdir -p "$group"
  echo $$ > "$group/cgroup.procs"
  exec unshare --cgroup "$0" "$folder" "$clone" "$units" "$settings" in-its-group
fi

umount "$folder/groups"
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay windrow-test -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
cd "$folder/root"
mount -t proc windrow-test proc
# What is not of these namespaces is there to be read alone.
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro windrow-test sys
mount -t cgroup2 windrow-test sys/fs/cgroup
mount -t tmpfs -o mode=755 windrow-test run
mount -t tmpfs -o mode=1777 windrow-test tmp
mount -t tmpfs -o mode=755 windrow-test dev
for device in null zero full random urandom tty; do
  : > "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 windrow-test dev/pts
mount -t tmpfs windrow-test dev/shm
ln -s /proc/self/fd dev/fd
ln -s pts/ptmx dev/ptmx

# No unit of this machine's but the journal.
: > etc/fstab
rm -rf etc/systemd/system etc/windrow
rm -rf lib/systemd/system/*.target.wants lib/systemd/system-generators
mkdir -p etc/systemd/system opt/windrow
cp -R "$settings" etc/windrow
cp -R "$units"/. etc/systemd/system
printf '[Unit]\nWants=systemd-journald.service\n' > etc/systemd/system/windrow-test.target
mount --bind "$clone" opt/windrow

mkdir before
pivot_root . before
cd /
umount --lazy before
# What a service manager finds: else the credentials of a unit, mounted by a child, reach nobody.
mount --make-rshared /
exec env -i container=windrow-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=windrow-test.target
