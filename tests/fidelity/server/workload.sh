# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A server that nobody asks anything: its daemons, and what cron does by itself. One long day.
about="idle server: sshd, cron with Debian's own jobs, nginx, PostgreSQL, Redis; nobody logs in or asks"
days=1
seconds=2400
# From a little before cron's hour, over the start of its day, to when that is done.
minutes=20

prepare() {
	# What a server that updates itself has; there is no network to update from.
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
	# What cron's daily jobs leave: dpkg's backup, and apt's mark that it looked for updates or tried to.
	[ -e /var/backups/dpkg.status.0 ] || fail "cron's daily jobs did not run"
	pgrep -x cron >/dev/null && pgrep -x nginx >/dev/null && pgrep -x postgres >/dev/null && pgrep -x sshd >/dev/null && pgrep -x redis-server >/dev/null ||
		{
			ps axo pid,args >&2
			exit 1
		}
}
