#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Process 1 of the lab's guest: makes it a usual Linux system, runs the job, tells how it ended, and powers off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=linux

mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts -o nosuid,noexec,gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /dev/shm
mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs /run
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /tmp
mount -t securityfs securityfs /sys/kernel/security
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mount -t bpf -o nosuid,nodev,noexec,mode=700 bpf /sys/fs/bpf
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 /sys/fs/cgroup
ln -sf /proc/self/fd /dev/fd
ln -sf fd/0 /dev/stdin
ln -sf fd/1 /dev/stdout
ln -sf fd/2 /dev/stderr
mkdir -p /run/lock /run/sshd /run/user
hostname lab
ip link set lo up
ulimit -n 1048576 2>/dev/null || ulimit -n "$(ulimit -Hn)"
modprobe -a loop overlay 2>/dev/null

[ -d /lab/.xtask/bin ] && for binary in /lab/.xtask/bin/*; do
	[ -e "$binary" ] && install -m 755 "$binary" /usr/bin/
done

# Ports to the host, by the names that QEMU gave them.
for port in /sys/class/virtio-ports/*; do
	case $(<"$port/name") in
	lab.stdout) out_port=/dev/${port##*/} ;;
	lab.stderr) err_port=/dev/${port##*/} ;;
	lab.status) status_port=/dev/${port##*/} ;;
	esac
done
exec {status_fd}>"$status_port"

export RUST_BACKTRACE=1 AMBIT_LAB=1
command=()
. /lab/.xtask/job
cd /root || exit
unset OLDPWD SHLVL
echo start >&"$status_fd"

if [ ${#command[@]} -eq 0 ]; then
	# Without a command, a shell on the second serial line, which is the user's terminal. It stays open, since the
	# last to close it makes the kernel forget the window's size.
	exec {tty}<>/dev/ttyS1
	stty sane rows "${LAB_ROWS:-24}" cols "${LAB_COLUMNS:-80}" <&"$tty"
	unset LAB_ROWS LAB_COLUMNS
	setsid --ctty --wait bash --login <&"$tty" >&"$tty" 2>&1 {tty}>&- {status_fd}>&-
	echo "exit $?" >&"$status_fd"
else
	# The job writes to pipes, since a port can be opened only once and is no place to open /dev/stdout at.
	exec {out}> >(exec {status_fd}>&- && exec cat >"$out_port")
	out_relay=$!
	exec {err}> >(exec {status_fd}>&- {out}>&- && exec cat >"$err_port")
	err_relay=$!
	# What bash starts in the background ignores SIGINT and SIGQUIT, and so would all that the job starts.
	setsid env --default-signal=INT,QUIT "${command[@]}" </dev/null >&"$out" 2>&"$err" {out}>&- {err}>&- {status_fd}>&- &
	job=$!
	exec {out}>&- {err}>&-
	wait "$job"
	status=$?

	# What the job left running would keep its pipes open.
	for process in /proc/[0-9]*; do
		process=${process#/proc/}
		case $process in
		1 | "$out_relay" | "$err_relay") ;;
		*) kill -9 "$process" 2>/dev/null ;;
		esac
	done
	wait "$out_relay" "$err_relay"
	echo "exit $status" >&"$status_fd"
fi
exec busybox poweroff -f
