# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A resolver that is confined by chroot: a zone of its own, a zone that another server knows, and the rest of the world.
about="unbound: local zone, stub zone, random source ports, chroot, reload, restart, DNS over TCP, control socket"
etc=/srv/unbound

prepare() {
	mkdir -p $etc/zones
	cp "$here/unbound.conf" $etc/unbound.conf
	zone 1 >$etc/zones/lab.conf
	chown -R unbound $etc
	mkdir -p "$state/upstream"
	cp "$here/upstream.conf" "$state/upstream/unbound.conf"
	for name in {1..40}; do echo "local-data: \"host$name.corp. 60 A 10.0.0.$name\""; done >"$state/upstream/corp.conf"
}

# The data of the local zone; its administrator changes the serial number.
zone() {
	echo "local-zone: \"lab.\" static"
	echo "local-data: \"lab. SOA ns.lab. root.lab. $1 3600 600 86400 60\""
	for name in ns www mail db printer; do echo "local-data: \"$name.lab. A 192.168.7.${#name}\""; done
	echo 'local-data: "lab. MX 10 mail.lab."'
	echo 'local-data: "lab. TXT \"a text\""'
	echo 'local-data-ptr: "192.168.7.3 www.lab"'
}

# The server that knows the zone corp, outside the domain.
upstream() {
	unbound -d -c "$state/upstream/unbound.conf" >"$state/upstream/log" 2>&1 &
	upstream=$!
	until_true resolves 5454 host1.corp
}
resolves() { timeout 10 python3 "$here/ask.py" "$1" udp "$2" A; }
ready() { resolves 5353 www.lab; }
ask() { timeout 60 python3 "$here/ask.py" 5353 "$@"; }

day() {
	local job rare
	upstream
	begin
	in_turn restart dump log
	rare=$REPLY
	shuffle a corp corp corp6 mx ptr txt tcp none world reload zone stats flush "$rare" corp many
	for job in "${shuffled[@]}"; do
		jitter
		rnd 1 40
		case $job in
		a)
			pick www mail db printer
			ask udp "$REPLY.lab" A
			;;
		corp) ask udp "host$REPLY.corp" A ;;
		corp6) ask udp "host$REPLY.corp" AAAA ;;
		mx) ask udp lab MX ;;
		ptr) ask udp 3.7.168.192.in-addr.arpa PTR ;;
		txt) ask udp lab TXT ;;
		tcp) ask tcp "host$REPLY.corp" A ;;
		none) ask udp "nothing$RANDOM.lab" A ;;
		world) ask udp "www.example$RANDOM.org" A ;;
		many) for rare in 1 2 3 4 5 6; do ask udp "h$RANDOM.corp" A; done ;;
		zone)
			zone "$RANDOM" >"$state/lab.conf"
			install -o unbound "$state/lab.conf" $etc/zones/lab.conf
			tell reload
			;;
		*) tell "$job" "host$REPLY.corp" ;;
		esac >"$state/said" 2>&1 || fail "$job: $(<"$state/said")"
	done
	finish
	kill $upstream
	wait $upstream
}
attacked_day() {
	upstream
	begin
	attack
	ends_somehow
	kill $upstream
	wait $upstream
}

# What an attacker with the right to write the server's configuration does.
configure() {
	sed "$1" "$here/unbound.conf" >$etc/unbound.conf
	tell "${2:-restart}"
}
after() { cp "$here/unbound.conf" $etc/unbound.conf; }
