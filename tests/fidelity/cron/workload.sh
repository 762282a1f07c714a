# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# cron starts a job each minute; emulated minutes are long, so a day is one or two of them.
about="cron: a job each minute, logrotate with compression and a script"
prepare() {
	mkdir -p /srv/logs
	rm -f /etc/cron.d/* /var/spool/cron/crontabs/* /etc/cron.*/*
	: >/etc/crontab
	install -m 644 "$here/logrotate.conf" /srv/logs/logrotate.conf
	install -m 644 "$here/crontab" /etc/cron.d/rotate
	touch /srv/logs/state
}

# cron reads the clock when it starts, and is therefore started a few seconds before the next minute.
near_a_minute() { date -s "@$(($(date +%s) / 60 * 60 + 55))" >/dev/null; }
# Waits for the output file of a job.
minute() {
	local file=$1 tries=700
	while [ ! -e "$file" ] && ((tries-- > 0)); do nap 0.1; done
}

day() {
	local app
	rm -f /srv/logs/ran /srv/logs/rotations
	for app in web mail; do
		letters 30
		for ((i = 0; i < RANDOM % 90 + 10; i++)); do echo "$REPLY $i"; done >/srv/logs/$app.log
	done
	near_a_minute
	begin
	minute /srv/logs/ran
	[ -e /srv/logs/ran ] || fail "no job ran"
	[ -e /srv/logs/rotations ] || fail "nothing was rotated"
	finish
}
attacked_day() {
	rm -f /srv/logs/ran
	echo line >/srv/logs/web.log
	echo line >/srv/logs/mail.log
	near_a_minute
	begin
	attack
	ends_somehow
}
after() { :; }
