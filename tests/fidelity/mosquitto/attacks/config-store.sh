# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1565.001
about="the messages that must be kept are kept elsewhere, where another program takes them"
before() {
	mkdir -p /srv/other
	chown mosquitto /srv/other
}
attack() {
	sed 's,^persistence_location .*,persistence_location /srv/other/,' "$here/mosquitto.conf" >$etc/mosquitto.conf
	tell restart
	perhaps ready
	with pub -t planted -m was-here -r
	tell save
	perhaps effect
}
effect() { grep -qa was-here /srv/other/mosquitto.db; }
after() {
	rm -rf /srv/other
	cp "$here/mosquitto.conf" $etc/mosquitto.conf
}
