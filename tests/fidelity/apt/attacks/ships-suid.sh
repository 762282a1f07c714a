# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1548.001
about="the package ships a SUID program"
hostile() {
	chmod 4755 $1/usr/bin/hello
}
effect() { [ -u /usr/bin/hello ]; }
after() { dpkg -P hello; }
