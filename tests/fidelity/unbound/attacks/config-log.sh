# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1053.003
about="the log is a file in /etc/cron.d, with a query as its line"
before() { rm -f /etc/cron.d/planted; }
attack() {
	configure 's,logfile: .*,logfile: "/etc/cron.d/planted",; s,chroot: .*,chroot: "",; s,username: .*,username: "",'
	ask udp www.lab A
}
effect() { grep -q www.lab /etc/cron.d/planted; }
after() {
	rm -f /etc/cron.d/planted
	cp "$here/unbound.conf" $etc/unbound.conf
}
