# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1574
about="the log is a symbolic link to /etc/ld.so.preload when it is opened again"
before() { rm -f /etc/ld.so.preload; }
attack() {
	rm -f $etc/log/all
	ln -s /etc/ld.so.preload $etc/log/all
	tell reload
	message x y
	perhaps effect
	mv /etc/ld.so.preload "$state/preload"
}
effect() { [ -e "$state/preload" ] || [ -e /etc/ld.so.preload ]; }
after() { rm -f /etc/ld.so.preload "$state/preload" $etc/log/all; }
