# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1053.003
about="a message becomes a job for cron"
before() { rm -f /etc/cron.d/planted; }
attack() {
	configure <<-end
		template(name="job" type="string" string="%msg%\n")
		action(type="omfile" file="/etc/cron.d/planted" template="job")
	end
	message x '* * * * * root touch was-here'
	perhaps effect
}
effect() { grep -q was-here /etc/cron.d/planted; }
after() {
	rm -f /etc/cron.d/planted
	cp "$here/rsyslog.conf" $etc/rsyslog.conf
}
