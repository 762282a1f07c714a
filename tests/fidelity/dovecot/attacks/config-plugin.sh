# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1129
about="a plug-in of the attacker's is loaded into each mailbox process"
before() {
	mkdir -p $etc/plugins
	echo '#include <fcntl.h>
__attribute__((constructor)) static void run(void) { open("/var/tmp/fidelity/marker/was-here", O_CREAT | O_WRONLY, 0644); }' >"$state/m.c"
	gcc -shared -fPIC -o $etc/plugins/lib99_evil_plugin.so "$state/m.c"
}
attack() {
	configure <<-end
		mail_plugin_dir = /srv/dovecot/plugins
		mail_plugins = evil
	end
	imap joe secret-joe noop
	perhaps effect
}
effect() { [ -e "$marker" ]; }
after() {
	rm -rf $etc/plugins
	cp "$here/dovecot.conf" $etc/dovecot.conf
}
