# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1571
about="the configuration listens on another port, without passwords"
attack() {
	configure <<-end
		listener 1886 127.0.0.1
	end
	timeout 5 mosquitto_pub -p 1886 -u joe -P secret -t x -m y && echo sent >"$state/answer"
}
before() { rm -f "$state/answer"; }
effect() { grep -q sent "$state/answer"; }
