# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1546.004
about="scp plants ~/.ssh/rc, which the next login runs"
before() { echo 'echo > /var/tmp/fidelity/marker/was-here' >"$state/rc"; }
attack() {
	carry "$state/rc" joe@127.0.0.1:.ssh/rc
	remote ls files
}
effect() { [ -e $home/.ssh/rc ]; }
after() { rm -f $home/.ssh/rc; }
