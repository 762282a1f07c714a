# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# An idle server: its daemons and cron's own jobs. One long day.
about="idle server: sshd, cron with Debian's own jobs, nginx, PostgreSQL, Redis; nobody logs in or asks"
days=1
seconds=2400
# From shortly before cron's hourly jobs until its daily jobs are done.
minutes=20

prepare() {
	# Files of a server with automatic updates; there is no network to update from.
	cat >/etc/apt/apt.conf.d/20auto-upgrades <<-'END'
		APT::Periodic::Update-Package-Lists "1";
		APT::Periodic::RandomSleep "0";
	END
	ssh-keygen -A >/dev/null
	date -s '2026-11-04 06:14:00' >/dev/null
	sed -i 's/^daemonize .*/daemonize yes/' /etc/redis/redis.conf
}

day() {
	/usr/sbin/sshd
	/usr/sbin/cron
	/usr/sbin/nginx
	install -d -m 2775 -o postgres -g postgres /run/postgresql
	pg_ctlcluster 15 main start
	install -d -o redis -g redis /run/redis
	setpriv --reuid redis --regid redis --clear-groups redis-server /etc/redis/redis.conf >/dev/null
	nap $((minutes * 60))
	# Traces of cron's daily jobs: dpkg's backup, and apt's time stamp of its last attempt to update.
	[ -e /var/backups/dpkg.status.0 ] || fail "cron's daily jobs did not run"
	pgrep -x cron >/dev/null && pgrep -x nginx >/dev/null && pgrep -x postgres >/dev/null && pgrep -x sshd >/dev/null && pgrep -x redis-server >/dev/null ||
		{
			ps axo pid,args >&2
			exit 1
		}
}
