# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1133
about="the control interface is opened to the network, without keys"
attack() {
	configure 's,control-interface: .*,control-interface: 127.0.0.1\n\tcontrol-use-cert: no\n\tcontrol-port: 8953,'
	printf 'UBCT1 status\n' | timeout 5 nc -N 127.0.0.1 8953 >"$state/answer"
}
effect() { grep -q 'is running' "$state/answer"; }
