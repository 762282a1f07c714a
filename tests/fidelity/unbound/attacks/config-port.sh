# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1571
about="the configuration listens on another port"
attack() {
	configure 's,interface: 127.*,&\n\tinterface: 127.0.0.1@5300,'
	timeout 5 python3 "$here/ask.py" 5300 udp www.lab A >"$state/answer"
}
effect() { grep -q 'code 0' "$state/answer"; }
