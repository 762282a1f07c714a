# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1005
about="a plug-in of the release reads the list of users"
before() { rm -f "$state/answer"; }
reads() {
	printf '#include <stdio.h>
static char text[100];
const char *unit(void)
{
	FILE *file = fopen("/etc/passwd", "r");

	return file && fgets(text, sizeof(text), file) ? text : "no";
}
' >"$state/reads.c"
	gcc -shared -fPIC -o "$1/plugins/kelvin.so" "$state/reads.c"
}
attack() {
	publish reads
	tell update
	perhaps runs
	ask 'unit kelvin' >"$state/answer"
}
effect() { grep -q '^root:' "$state/answer"; }
