# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A log server: messages by a socket and by TCP, files by host and program, names with dates, modules that are loaded when needed.
about="rsyslog: a local socket, TCP, files by host, program and day, rotation with dates in names, a queue on disk"
etc=/srv/syslog

prepare() {
	mkdir -p $etc/log $etc/spool
	cp "$here/rsyslog.conf" $etc/rsyslog.conf
	# The server has been running for some days.
	local age name
	for age in {2..12}; do
		name=$etc/log/all-$(date -d "-$age days" +%Y%m%d-%H%M%S).gz
		echo old | gzip >"$name"
		touch -d "-$age days" "$name"
	done
	# The days of this machine begin here, one after the other.
	echo "@$(($(date +%s) / 86400 * 86400 + 36000))" >"$state/morning"
}

# Each day has a date of its own, some days after the one before.
tomorrow() {
	date -s "$(<"$state/morning")" >/dev/null
	date -s "@$(($(date +%s) + RANDOM))" >/dev/null
	rnd 1 3
	echo "@$(($(date +%s) / 86400 * 86400 + 36000 + REPLY * 86400))" >"$state/morning"
}

# Says something as a program of this host: PROGRAM TEXT.
message() { logger -u $etc/log.sock -t "$1" -p "${level:-daemon.info}" "$2"; }
# The same as another host, by TCP: HOST PROGRAM TEXT.
send() { printf '<30>%s %s %s: %s\n' "$(date '+%b %e %T')" "$@" | timeout 20 nc -N 127.0.0.1 5514; }
collected() { grep -rqs "$1" $etc/log; }
ready() {
	message ready ready
	collected ready
}

day() {
	local job rare
	tomorrow
	begin
	in_turn many restart midnight long
	rare=$REPLY
	in_turn emergency newhost kernel
	shuffle local local local web mail tcp tcp rotate reload "$rare" "$REPLY" tcp
	for job in "${shuffled[@]}"; do
		jitter
		letters 9
		case $job in
		local)
			rare=$REPLY
			pick backup dhcp cups ntp
			message "$REPLY" "$rare" && until_true collected "$rare"
			;;
		web | mail | kernel) message "$job" "$REPLY" && until_true collected "$REPLY" ;;
		tcp)
			rare=$REPLY
			pick router printer store
			send "$REPLY" app "$rare" && until_true collected "$rare"
			;;
		newhost) send "pc-$REPLY" app "$REPLY" && until_true collected "$REPLY" ;;
		many)
			for rare in {1..300}; do echo "<30>$(date '+%b %e %T') store app: $rare"; done | timeout 60 nc -N 127.0.0.1 5514
			send store app "$REPLY" && until_true collected "$REPLY"
			;;
		long) send store app "$REPLY $(head -c 6000 /dev/zero | tr '\0' x)" && until_true collected "$REPLY" ;;
		emergency) level=auth.emerg message sshd "$REPLY" && until_true collected "$REPLY" ;;
		midnight)
			date -s "@$(($(date +%s) + 86400))" >/dev/null
			message web "$REPLY" && until_true collected "$REPLY"
			;;
		restart | reload) tell "$job" && until_true ready ;;
		*) tell "$job" ;;
		esac >"$state/said" 2>&1 || fail "$job: $(<"$state/said")"
	done
	finish
}

# What an attacker with the right to write the server's configuration does; only a start reads it.
configure() {
	cat "$here/rsyslog.conf" - >$etc/rsyslog.conf
	tell restart
	perhaps ready
}
after() { cp "$here/rsyslog.conf" $etc/rsyslog.conf; }
