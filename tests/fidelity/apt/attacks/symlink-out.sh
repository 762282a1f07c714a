# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1574
about="the package ships a symbolic link instead of its folder"
hostile() {
	rm -rf $1/usr/share/hello
	ln -s /etc $1/usr/share/hello
	sed -i 's/echo configured.*state;/true;/' $1/DEBIAN/postinst
}
effect() { [ -L /usr/share/hello ]; }
after() { rm -f /usr/share/hello; dpkg -P hello; }
