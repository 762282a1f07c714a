# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1105
about="the update is fetched from the attacker's server"
before() {
	nc -l 127.0.0.1 6666 >"$state/heard" 2>/dev/null </dev/null &
	listening 6666
}
attack() {
	echo http://127.0.0.1:6666 >$home/url
	tell update
	kill %nc
}
effect() { grep -q 'GET /latest' "$state/heard"; }
after() { echo http://127.0.0.1:8090 >$home/url; }
