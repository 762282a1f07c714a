# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1554
about="the package's program is another one; nothing happens while it is installed"
note="what a program does when it runs is another domain's"
hostile() {
	echo 'echo attacker' >>$1/usr/bin/hello
}
effect() { grep -q attacker /usr/bin/hello; }
after() { dpkg -P hello; }
