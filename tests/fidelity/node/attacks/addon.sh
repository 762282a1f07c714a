# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1129
about="a native addon from the upload folder is loaded"
before() {
	echo '#include <fcntl.h>
__attribute__((constructor)) static void run(void) { open("/var/tmp/fidelity/marker/was-here", O_CREAT | O_WRONLY, 0644); }' >"$state/m.c"
	gcc -shared -fPIC -o $home/data/uploads/m.node "$state/m.c"
}
attack() { inject 'return process.dlopen({ exports: {} }, "/srv/shop/data/uploads/m.node")'; }
effect() { [ -e "$marker" ]; }
after() { rm -f $home/data/uploads/m.node; }
