# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1574.006
about="the package ships /etc/ld.so.preload"
hostile() {
	mkdir -p $1/etc
	: >$1/etc/ld.so.preload
}
effect() { [ -e /etc/ld.so.preload ]; }
after() { dpkg -P hello; rm -f /etc/ld.so.preload; }
