# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1555
about="looks into the kernel's keyrings"
attack() {
	inject '
result = LIBC.syscall(248, b"user", b"loot", b"x", 1, -2)
print("key" if result > 0 else "no", result)
'
}
effect() { grep -q key "$state/answer"; }
