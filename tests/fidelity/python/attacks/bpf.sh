# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1014
about="loads a BPF program (socket filter, as any user might)"
attack() {
	inject '
attr = ctypes.create_string_buffer(128)
ctypes.cast(attr, ctypes.POINTER(ctypes.c_uint32))[0] = 2
ctypes.cast(attr, ctypes.POINTER(ctypes.c_uint32))[1] = 4
ctypes.cast(attr, ctypes.POINTER(ctypes.c_uint32))[2] = 4
ctypes.cast(attr, ctypes.POINTER(ctypes.c_uint32))[3] = 1
print("tried" if LIBC.syscall(321, 0, attr, 128) >= 0 else "no")
'
}
effect() { grep -q tried "$state/answer"; }
