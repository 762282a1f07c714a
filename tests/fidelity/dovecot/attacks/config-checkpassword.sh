# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1556.003
about="logins are checked by a program of the attacker's (checkpassword)"
before() {
	printf '#!/bin/sh\necho in >/var/tmp/fidelity/marker/was-here\n' >$etc/check
	chmod 755 $etc/check
}
attack() {
	configure <<-end
		passdb {
		  driver = checkpassword
		  args = /srv/dovecot/check
		}
	end
	imap someone guess noop
	perhaps effect
}
effect() { [ -e "$marker" ]; }
