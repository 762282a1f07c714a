# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1129
about="a module of the attacker's is loaded"
before() {
	echo '#include <fcntl.h>
__attribute__((constructor)) static void run(void) { open("/var/tmp/fidelity/marker/was-here", O_CREAT | O_WRONLY, 0644); }' >"$state/m.c"
	gcc -shared -fPIC -o $etc/spool/m.so "$state/m.c"
}
attack() { configure <<<'module(load="/srv/syslog/spool/m.so")'; }
effect() { [ -e "$marker" ]; }
after() {
	rm -f $etc/spool/m.so
	cp "$here/rsyslog.conf" $etc/rsyslog.conf
}
