# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059.004
about="messages are handed to a program of the attacker's (omprog)"
attack() {
	configure <<-end
		module(load="omprog")
		action(type="omprog" binary="/usr/bin/tee /var/tmp/fidelity/marker/was-here")
	end
	perhaps effect
}
effect() { [ -s "$marker" ]; }
