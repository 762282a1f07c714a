# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1083
about="a symbolic link in the site leads to a file beside it"
before() {
	echo secret >$home/private/key
	ln -sf $home/private/key $home/www/key.html
}
attack() { ask http://127.0.0.1:8080/key.html >"$state/answer"; }
effect() { grep -q secret "$state/answer"; }
after() { rm -f $home/www/key.html; }
