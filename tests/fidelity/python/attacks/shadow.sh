# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1003.008
about="reads the users, the first step to their passwords"
attack() {
	inject '
print(open("/etc/group").read())
'
}
effect() { grep -q root: "$state/answer"; }
