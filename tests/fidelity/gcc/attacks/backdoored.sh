# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1554
about="the source has a backdoor; nothing is done while it is built"
note="only operations that the build performs with any source"
attack() {
	echo 'int backdoor(void) { return 4444; }' >>$project/src/text.c
	tell build
}
effect() { strings $project/program 2>/dev/null | grep -q backdoor || grep -qa backdoor $project/libproject.a; }
