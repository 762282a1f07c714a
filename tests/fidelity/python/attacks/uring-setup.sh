# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1106
about="makes an io_uring and nothing else"
attack() {
	inject '
params = (ctypes.c_uint32 * 30)()
if LIBC.syscall(425, 4, ctypes.byref(params)) >= 0:
    print("made")
'
}
effect() { grep -q 'made' "$state/answer"; }
