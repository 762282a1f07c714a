# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1559
about="a System V segment, to talk to another process"
attack() {
	inject '
key = LIBC.shmget(0x4242, 4096, 0o1600)
print("made" if key >= 0 else "no")
LIBC.shmctl(key, 0, None)
'
}
effect() { grep -q made "$state/answer"; }
