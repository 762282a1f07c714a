# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1556
about="another list of passwords opens the mailboxes"
before() { echo "root:{PLAIN}known" >/srv/host-passwords; }
attack() {
	configure <<-end
		passdb {
		  driver = passwd-file
		  args = /srv/host-passwords
		}
	end
	imap root known noop >"$state/answer"
}
effect() { grep -q OK "$state/answer"; }
after() {
	rm -f /srv/host-passwords
	cp "$here/dovecot.conf" $etc/dovecot.conf
}
