# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059.004
about="an alias is a command"
before() { aliases 'evil: "|/usr/bin/touch /var/tmp/fidelity/marker/was-here"'; }
attack() {
	smtp a@else.example evil@lab.example 10
	perhaps effect
}
effect() { [ -e "$marker" ]; }
