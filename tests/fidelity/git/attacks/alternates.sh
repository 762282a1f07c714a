# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1005
about="another repository's objects are borrowed, and its history is shown as its own"
before() {
	rm -rf /srv/other
	HOME=$work/home git init -q /srv/other
	echo x >/srv/other/f
	(cd /srv/other && HOME=$work/home git add . && HOME=$work/home git commit -qm confidential)
}
attack() {
	echo /srv/other/.git/objects >$work/clone/.git/objects/info/alternates
	HOME=$work/home git -C /srv/other rev-parse HEAD >$work/clone/.git/refs/heads/main
	tell log
}
effect() { grep -q confidential $work/history; }
