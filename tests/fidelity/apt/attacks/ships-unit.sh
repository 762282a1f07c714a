# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1543.002
about="the package ships a systemd unit"
hostile() {
	mkdir -p $1/lib/systemd/system
	echo '[Service]' >$1/lib/systemd/system/planted.service
}
effect() { [ -e /lib/systemd/system/planted.service ]; }
after() { dpkg -P hello; }
