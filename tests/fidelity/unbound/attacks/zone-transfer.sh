# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1105
about="the configuration fetches a zone from the attacker's server"
before() {
	nc -u -l 127.0.0.1 6666 >"$state/heard" 2>/dev/null </dev/null &
	until_true grep -q ':1A0A 00000000:0000 07' /proc/net/udp
}
attack() {
	configure '$a\auth-zone:\n\tname: "evil."\n\tprimary: 127.0.0.1@6666\n\tzonefile: "/srv/unbound/zones/evil.zone"' reload
	perhaps effect
	kill %nc
}
effect() { grep -qa evil "$state/heard"; }
