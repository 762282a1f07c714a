# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1552.007
about="reads the environment of process 1"
attack() {
	inject '
print("read", open("/proc/1/cmdline").read())
'
}
effect() { grep -q '^read' "$state/answer"; }
