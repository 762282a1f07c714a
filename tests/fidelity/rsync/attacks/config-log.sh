# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1574.006
about="the configuration has a module whose log is /etc/ld.so.preload"
before() { rm -f /etc/ld.so.preload; }
attack() {
	configure <<-end
		[more]
			path = /srv/rsync/docs
			log file = /etc/ld.so.preload
			transfer logging = yes
			log format = /srv/rsync/photos/m.so
	end
	sync $url/more/ "$state/docs/"
	perhaps effect
}
effect() { [ -e /etc/ld.so.preload ]; }
after() {
	rm -f /etc/ld.so.preload
	cp "$here/rsyncd.conf" $store/etc/rsyncd.conf
}
