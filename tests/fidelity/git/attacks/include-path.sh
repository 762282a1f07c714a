# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1552.001
about="a file of the host is committed by way of a symbolic link in the worktree"
attack() {
	echo secret >/srv/secret
	rm $work/clone/README
	ln -s /srv/secret $work/clone/README
	echo '[core] symlinks = false' >>$work/clone/.git/config
	tell commit
}
effect() { HOME=$work/home git -C $work/remote.git show main:README | grep -q secret; }
