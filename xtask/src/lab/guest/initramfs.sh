#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Runs first in the lab's guest: loads the drivers of the disks, mounts them, and executes the run's own init.
PATH=/bin
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc

for module in /modules/*.ko; do
	[ -e "$module" ] && insmod "$module"
done

# Two read-only disks stand behind the root's: what the run brings along, and the kernel's modules.
tries=0
while [ ! -b /dev/vda ] || [ ! -b /dev/vdb ] || [ ! -b /dev/vdc ]; do
	tries=$((tries + 1))
	if [ "$tries" -gt 1000 ]; then
		echo "lab: a disk is missing" >/dev/kmsg
		poweroff -f
	fi
	usleep 10000
done
mount -t ext4 /dev/vda /root &&
	mount -t ext4 -o ro /dev/vdb /root/lab &&
	mount -t ext4 -o ro /dev/vdc /root/lib/modules || {
	echo "lab: cannot mount a disk" >/dev/kmsg
	poweroff -f
}

umount /proc
mount --move /dev /root/dev
exec switch_root /root /bin/bash /lab/.xtask/init
