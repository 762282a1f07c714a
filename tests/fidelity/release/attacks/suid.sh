# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1548.001
about="the release's program has the SUID bit"
suid() { chmod 4755 "$1/meterd"; }
attack() {
	publish suid
	tell update
	perhaps effect
}
effect() { [ -n "$(find $home/releases -perm -4000)" ]; }
