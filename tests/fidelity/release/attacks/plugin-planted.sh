# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1574
about="a plug-in is placed beside those of the release, and asked for"
before() {
	echo '#include <fcntl.h>
__attribute__((constructor)) static void run(void) { open("/var/tmp/fidelity/marker/was-here", O_CREAT | O_WRONLY, 0644); }' >"$state/m.c"
	gcc -shared -fPIC -o $home/current/plugins/evil.so "$state/m.c"
}
attack() { ask 'unit evil'; }
effect() { [ -e "$marker" ]; }
after() { rm -f $home/current/plugins/evil.so; }
