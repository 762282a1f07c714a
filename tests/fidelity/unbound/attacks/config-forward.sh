# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1557
about="a zone is forwarded to the attacker's server, which sees the queries"
before() {
	nc -u -l 127.0.0.1 6666 >"$state/heard" 2>/dev/null </dev/null &
	until_true grep -q ':1A0A 00000000:0000 07' /proc/net/udp
}
attack() {
	configure 's,5454,6666,' reload
	timeout 5 python3 "$here/ask.py" 5353 udp secret.corp A &
	perhaps effect
	kill %nc %timeout
}
effect() { grep -qa secret "$state/heard"; }
