# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1565.001
about="a commit under another author's name"
note="a commit like any other"
attack() {
	HOME=$work/home git -C $work/clone config user.name boss
	tell commit
}
effect() { HOME=$work/home git -C $work/remote.git log -1 --format=%an main | grep -q boss; }
