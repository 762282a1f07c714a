# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1053.003
about="the package ships a job for cron"
hostile() {
	mkdir -p $1/etc/cron.d
	echo '* * * * * root true' >$1/etc/cron.d/planted
}
effect() { [ -e /etc/cron.d/planted ]; }
after() { dpkg -P hello; rm -f /etc/cron.d/planted; }
