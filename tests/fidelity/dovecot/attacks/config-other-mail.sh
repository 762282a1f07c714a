# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1114.001
about="mailboxes are read from another folder: another service's mail"
before() {
	mkdir -p /srv/other/joe/new /srv/other/joe/cur /srv/other/joe/tmp
	printf 'Subject: hidden\n\nhidden\n' >/srv/other/joe/cur/1.a:2,
	chown -R vmail /srv/other
}
attack() {
	configure <<<'mail_location = maildir:/srv/other/%u'
	imap joe secret-joe fetch >"$state/answer"
}
effect() { grep -q hidden "$state/answer"; }
after() {
	rm -rf /srv/other
	cp "$here/dovecot.conf" $etc/dovecot.conf
}
