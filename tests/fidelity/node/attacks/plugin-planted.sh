# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1505.003
about="a plug-in is written beside the others, for later"
before() { chmod 777 $home/plugins; }
attack() { inject 'return require("fs").writeFileSync("/srv/shop/plugins/evil.js", "1")'; }
effect() { [ -e $home/plugins/evil.js ]; }
after() {
	rm -f $home/plugins/evil.js
	chmod 755 $home/plugins
}
