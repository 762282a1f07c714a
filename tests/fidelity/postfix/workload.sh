# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A mail server of two people: a queue in many folders, and a process of its own for each step, most confined by chroot.
about="postfix: local delivery, aliases, relay, deferred mail, bounces, sendmail, reload, restart; chroot and privilege separation"

prepare() {
	local name
	for name in joe ann; do
		useradd -m -s /bin/bash "$name"
		install -d -m 700 -o "$name" "/home/$name/Maildir" "/home/$name/Maildir"/{new,cur,tmp}
	done
	postconf -e maillog_file=/var/log/mail.log myhostname=lab.example mydestination=lab.example,localhost \
		inet_interfaces=127.0.0.1 inet_protocols=ipv4 home_mailbox=Maildir/ mynetworks=127.0.0.0/8 relayhost= \
		alias_maps=hash:/etc/aliases alias_database=hash:/etc/aliases transport_maps=texthash:/etc/postfix/transport \
		smtp_dns_support_level=disabled compatibility_level=3.6 message_size_limit=1000000 smtp_tls_security_level=none \
		smtpd_use_tls=no recipient_delimiter=+
	sed -i 's/^smtp  *inet /127.0.0.1:2525 inet /' /etc/postfix/master.cf
	printf 'partner.example smtp:[127.0.0.1]:2626\naway.example smtp:[127.0.0.1]:2727\n' >/etc/postfix/transport
	aliases
	/usr/lib/postfix/configure-instance.sh -
	mkdir -p "$state/kept"
	cp /etc/postfix/main.cf /etc/postfix/master.cf "$state/kept/"
}

# The aliases, and more of them.
aliases() {
	printf 'postmaster: joe\nsales: joe, ann\n%s\n' "$*" >/etc/aliases
	newaliases
}

# Sends a mail from outside: FROM TO SIZE.
smtp() { timeout 60 python3 "$here/send.py" 2525 "$@"; }
ready() { grep -q ':09DD 00000000:0000 0A' /proc/net/tcp; }
mails() { find "/home/$1/Maildir/new" -type f | wc -l; }
# Sends a mail, and waits until a user has it: USER COMMAND...
until_delivered() {
	local before
	before=$(mails "$1")
	"${@:2}" && until_true more_mails "$1" "$before"
}
more_mails() { [ "$(mails "$1")" -gt "$2" ]; }
queued() { postqueue -j | grep -q "$1"; }

# A user's mail program: new mails are read, and old ones are thrown away.
fetch() {
	local mail
	for mail in "/home/$1/Maildir/new"/*; do
		[ ! -e "$mail" ] || mv "$mail" "/home/$1/Maildir/cur/${mail##*/}:2,S"
	done
	find "/home/$1/Maildir/cur" -type f | sort | head -n -5 | xargs -r rm
}

day() {
	local job rare
	timeout 600 python3 "$here/partner.py" 2626 >"$state/partner.log" &
	partner=$!
	begin
	in_turn forward big purge restart
	rare=$REPLY
	in_turn bounce unknown flush plus
	shuffle local local alias partner away sendmail fetch queue reload "$rare" "$REPLY" list local
	for job in "${shuffled[@]}"; do
		jitter
		letters 8
		case $job in
		local) until_delivered joe smtp "$REPLY@else.example" joe@lab.example 500 ;;
		alias) until_delivered joe smtp "$REPLY@else.example" postmaster@lab.example 500 ;;
		list) until_delivered ann smtp joe@lab.example sales@lab.example 900 ;;
		plus) until_delivered ann smtp "$REPLY@else.example" ann+shop@lab.example 900 ;;
		big) until_delivered ann smtp "$REPLY@else.example" ann@lab.example 200000 ;;
		partner)
			smtp joe@lab.example "$REPLY@partner.example" 700
			until_true grep -q "$REPLY" "$state/partner.log"
			;;
		away)
			smtp joe@lab.example "$REPLY@away.example" 700
			until_true queued "deferred.*$REPLY@away"
			;;
		unknown) ! smtp "$REPLY@else.example" nobody-here@lab.example 10 ;;
		sendmail) until_delivered joe tell sendmail joe "$RANDOM" ;;
		bounce) until_delivered joe tell sendmail nobody-here "$RANDOM" ;;
		forward)
			echo joe >/home/ann/.forward
			chown ann /home/ann/.forward
			until_delivered joe smtp "$REPLY@else.example" ann@lab.example 100
			rm /home/ann/.forward
			;;
		fetch)
			fetch joe
			fetch ann
			;;
		reload | restart) tell "$job" && until_true ready ;;
		*) tell "$job" ;;
		esac >"$state/said" 2>&1 || fail "$job: $(<"$state/said")"
	done
	finish
	kill $partner
}

# What an attacker with the right to write the server's configuration does.
configure() {
	postconf -e "$@"
	tell reload
	perhaps ready
}
after() {
	cp "$state"/kept/* /etc/postfix/
	aliases
	postsuper -d ALL
}
