# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A message broker for sensors: messages that must be kept are in a file that is replaced as a whole.
about="mosquitto: publish, subscribe, retained messages, stored sessions, reload, restart, log rotation"
etc=/srv/mosquitto

prepare() {
	mkdir -p $etc/data $etc/log
	cp "$here/mosquitto.conf" $etc/mosquitto.conf
	: >$etc/passwords
	mosquitto_passwd -b $etc/passwords joe secret
	mosquitto_passwd -b $etc/passwords ann secret
	printf 'user joe\ntopic readwrite #\nuser ann\ntopic read sensor/#\npattern write alarm/%%u\n' >$etc/acl
	chown -R mosquitto $etc
}

with() { timeout 30 "mosquitto_$1" -p 1885 -u "${user:-joe}" -P "${password:-secret}" "${@:2}"; }
as() { user=$1 with pub -t "alarm/$1" -m x; }
ready() { with pub -t ready -m 1; }

day() {
	local job rare
	begin
	with pub -t sensor/last -m start -r
	in_turn restart rotate tls big
	rare=$REPLY
	in_turn account wrong save
	shuffle sensor sensor sensor retained session session reload read will qos2 "$rare" "$REPLY"
	for job in "${shuffled[@]}"; do
		jitter
		letters 6
		case $job in
		sensor) with pub -t "sensor/$REPLY" -m "$RANDOM" -q 1 ;;
		retained) with pub -t "sensor/last" -m "$RANDOM" -r ;;
		read) user=ann with sub -t sensor/last -C 1 -W 20 ;;
		qos2) with pub -t "sensor/$REPLY" -m "$RANDOM" -q 2 ;;
		session)
			# A client that is away: its messages are kept.
			with sub -t 'sensor/#' -i "client-$REPLY" -c -q 1 -E
			with pub -t "sensor/$REPLY" -m "$RANDOM" -q 1
			with sub -t 'sensor/#' -i "client-$REPLY" -c -q 1 -C 1 -W 20
			;;
		will) with pub -t sensor/will -m x --will-topic alarm/joe --will-payload gone -V mqttv5 ;;
		big) head -c 90000 /dev/urandom | with pub -t sensor/picture -s ;;
		tls) ! with pub -t x -m y --cafile "$here/mosquitto.conf" ;;
		wrong) ! password=guess with pub -t x -m y ;;
		account)
			mosquitto_passwd -b $etc/passwords "$REPLY" secret
			tell reload
			until_true as "$REPLY"
			;;
		*) tell "$job" && until_true ready ;;
		esac >"$state/said" 2>&1 || fail "$job: $(<"$state/said")"
	done
	finish
}

# What an attacker with the right to write the server's configuration does; only a start reads all of it.
configure() {
	cat "$here/mosquitto.conf" - >$etc/mosquitto.conf
	tell restart
	perhaps ready
}
after() { cp "$here/mosquitto.conf" $etc/mosquitto.conf; }
