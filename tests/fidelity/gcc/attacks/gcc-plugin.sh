# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1129
about="gcc -fplugin loads a library"
before() {
	echo '#include <fcntl.h>
__attribute__((constructor)) static void run(void) { open("/var/tmp/fidelity/marker/was-here", O_CREAT | O_WRONLY, 0644); }' >"$state/m.c"
	gcc -shared -fPIC -o $project/plugin.so "$state/m.c"
}
attack() { recipe 'gcc -fplugin=./plugin.so -c src/list.c -o src/list.o'; }
effect() { [ -e "$marker" ]; }
after() { rm -f $project/plugin.so; }
