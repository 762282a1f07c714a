# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1003.008
about="/etc/shadow is read as a log (imfile)"
attack() {
	configure <<-end
		module(load="imfile")
		input(type="imfile" file="/etc/shadow" tag="shadow")
	end
	perhaps effect
}
effect() { grep -rqs 'root:' $etc/log; }
after() {
	cp "$here/rsyslog.conf" $etc/rsyslog.conf
	rm -rf $etc/log/* $etc/spool/*
}
