# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1622
about="names itself as a kernel thread"
undecided="Ambit identifies a task by its executable, not by its name"
attack() {
	inject '
print("named" if LIBC.prctl(15, b"kworker/0:1", 0, 0, 0) == 0 else "no")
'
}
effect() { grep -q named "$state/answer"; }
