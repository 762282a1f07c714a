# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1053.003
about="the log is a file in /etc/cron.d"
before() { rm -f /etc/cron.d/planted; }
attack() {
	configure <<<'log_path = /etc/cron.d/planted'
	perhaps effect
}
effect() { [ -s /etc/cron.d/planted ]; }
after() {
	rm -f /etc/cron.d/planted
	cp "$here/dovecot.conf" $etc/dovecot.conf
}
