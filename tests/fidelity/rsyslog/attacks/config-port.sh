# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1571
about="messages are taken by UDP as well"
attack() {
	configure <<-end
		module(load="imudp")
		input(type="imudp" address="127.0.0.1" port="5515")
	end
	logger -n 127.0.0.1 -P 5515 -d -t x was-here
	perhaps effect
}
effect() { grep -rqs was-here $etc/log; }
after() {
	cp "$here/rsyslog.conf" $etc/rsyslog.conf
	rm -rf $etc/log/*
}
