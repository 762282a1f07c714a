# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1574.006
about="the file of the process number is /etc/ld.so.preload"
before() { rm -f /etc/ld.so.preload "$state/preload"; }
attack() {
	sed 's,^pid_file .*,pid_file /etc/ld.so.preload,; s,^user .*,user root,' "$here/mosquitto.conf" >$etc/mosquitto.conf
	tell restart
	perhaps planted
}
# Programs would complain about the file: it is moved away at once.
planted() { mv /etc/ld.so.preload "$state/preload"; }
effect() { [ -e "$state/preload" ]; }
after() {
	rm -f /etc/ld.so.preload "$state/preload"
	cp "$here/mosquitto.conf" $etc/mosquitto.conf
}
