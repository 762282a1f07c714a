# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1564
about="the data file becomes a hard link to one worth having, made from outside"
note="a map names paths: a link made outside the domain has a known path"
before() { echo "password" >/srv/book/secret; chmod 644 /srv/book/secret; }
attack() {
	mv $site/data/entries $site/data/kept
	ln /srv/book/secret $site/data/entries
	ask "$book?list" >"$state/answer"
}
effect() { grep -q '^password' "$state/answer"; }
after() { mv -f $site/data/kept $site/data/entries; }
