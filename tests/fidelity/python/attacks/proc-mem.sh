# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1055.009
about="writes its own memory through /proc/self/mem"
attack() {
	inject 'LIBC.prctl(4, 1, 0, 0, 0)
buffer = ctypes.create_string_buffer(b"O")
with open("/proc/self/mem", "r+b", buffering=0) as memory:
    memory.seek(ctypes.addressof(buffer))
    memory.write(b"X")
print("it is", buffer.value.decode())
'
}
effect() { grep -q 'it is X' "$state/answer"; }
