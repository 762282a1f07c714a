# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1005
about="a hard link of /etc/shadow among the files (a new name)"
before() { ln /etc/shadow $data/docs/loot; }
attack() {
	tell backup
	tar -xzOf /srv/backup/full.tar.gz docs/loot >"$state/answer"
}
effect() { grep -q '^root:' "$state/answer"; }
after() { rm -f $data/docs/loot; }
