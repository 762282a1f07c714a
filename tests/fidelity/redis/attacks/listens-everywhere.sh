# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1571
about="CONFIG SET port: another port is open"
attack() {
	redis config set port 6391
	redis-cli -p 6391 ping >"$state/answer"
	redis-cli -p 6391 config set port 6390
}
effect() { grep -q PONG "$state/answer"; }
