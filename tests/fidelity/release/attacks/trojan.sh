# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1195.002
about="the release's program starts a shell when it starts"
trojan() {
	sed 's,int one = 1,system("echo in >/var/tmp/fidelity/marker/was-here"); &,' "$here/meterd.c" >"$state/trojan.c"
	gcc -o "$1/meterd" -DVERSION="\"$(<"$1/VERSION")\"" "$state/trojan.c"
}
attack() {
	publish trojan
	tell update
	perhaps effect
}
effect() { [ -e "$marker" ]; }
