# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1204.002
about="the built program does something else when its test runs"
attack() {
	echo '__attribute__((constructor)) static void run(void) { FILE *f = fopen("/var/tmp/fidelity/marker/was-here", "w"); if (f) fclose(f); }' >>$project/src/main.c
	tell build
}
effect() { [ -e "$marker" ]; }
