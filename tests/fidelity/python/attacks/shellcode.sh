# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1055
about="anonymous memory is made executable and run"
attack() {
	inject '
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
at = LIBC.mmap(None, 4096, 3, 0x22, -1, 0)
ctypes.memmove(at, bytes.fromhex("b82a000000c3"), 6)
LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
if LIBC.mprotect(at, 4096, 5) == 0:
    print(ctypes.CFUNCTYPE(ctypes.c_int)(at)())
'
}
effect() { grep -q 42 "$state/answer"; }
