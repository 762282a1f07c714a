# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A mailbox server: a process for each login, confined by chroot until the password is right.
about="dovecot: IMAP logins, folders, search, moves, deliveries to Maildir, wrong passwords, reload, restart"
etc=/srv/dovecot

prepare() {
	local name
	mkdir -p $etc/mail /srv/dovecot/run
	useradd -r -d $etc/mail -s /usr/sbin/nologin vmail
	chown vmail $etc/mail
	cp "$here/dovecot.conf" $etc/dovecot.conf
	for name in joe ann kim; do echo "$name:{PLAIN}secret-$name::::::" >>$etc/users; done
	for name in {1..30}; do echo "someone$name:{PLAIN}x::::::" >>$etc/users; done
	chown dovecot $etc/users
	chmod 600 $etc/users
}

imap() { timeout 100 python3 "$here/imap.py" "$@"; }
ready() { imap joe secret-joe noop; }

day() {
	local job rare who
	begin
	in_turn rename purge restart wrong
	rare=$REPLY
	in_turn kim lists unknown big
	shuffle deliver deliver deliver read read append move search flag expunge folder reload "$rare" "$REPLY" idle
	for job in "${shuffled[@]}"; do
		jitter
		pick joe joe ann
		who=$REPLY
		letters 8
		case $job in
		deliver) tell deliver "$who" "$REPLY" ;;
		kim)
			tell deliver kim "$REPLY"
			imap kim secret-kim read
			;;
		wrong) ! imap joe guess noop ;;
		unknown) ! imap "$REPLY" guess noop ;;
		reload | restart) tell "$job" && until_true ready ;;
		*) imap "$who" "secret-$who" "$job" "$REPLY" ;;
		esac >"$state/said" 2>&1 || fail "$job: $(<"$state/said")"
	done
	finish
}

# What an attacker with the right to write the server's configuration does.
configure() {
	cat "$here/dovecot.conf" - >$etc/dovecot.conf
	tell restart
	perhaps ready
}
after() { cp "$here/dovecot.conf" $etc/dovecot.conf; }
