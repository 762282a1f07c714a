# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1574.006
about="a library is preloaded into a program that the script may run"
before() {
	echo '#include <fcntl.h>
__attribute__((constructor)) static void run(void) { open("/var/tmp/fidelity/marker/was-here", O_CREAT | O_WRONLY, 0644); }' >"$state/p.c"
	gcc -shared -fPIC -o $site/data/p.so "$state/p.c"
}
attack() { inject 'LD_PRELOAD=/srv/book/data/p.so cat /srv/book/data/entries'; }
effect() { [ -e "$marker" ]; }
after() { rm -f $site/data/p.so; }
