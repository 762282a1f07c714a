# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1129
about="a module from the upload folder is loaded by the configuration"
before() {
	mkdir -p $site/evil
	echo '#include <stdio.h>
__attribute__((constructor)) static void run(void) { FILE *f = fopen("/var/tmp/fidelity/marker/was-here", "w"); if (f) fclose(f); }' >$site/evil/m.c
	gcc -shared -fPIC -o $site/upload/m.so $site/evil/m.c
}
attack() { configure '1i load_module /srv/web/upload/m.so;'; }
effect() { [ -e "$marker" ]; }
