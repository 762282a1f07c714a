# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1106
about="opens a file by io_uring, without an open system call"
attack() {
	inject '
class Params(ctypes.Structure):
    _fields_ = [("w", ctypes.c_uint32 * 30)]
params = Params()
ring = LIBC.syscall(425, 4, ctypes.byref(params))
assert ring >= 0, ctypes.get_errno()
import mmap, struct
sq = mmap.mmap(ring, 4096, offset=0)
sqes = mmap.mmap(ring, 4096, offset=0x10000000)
path = ctypes.create_string_buffer(b"/etc/group")
sqes[0:64] = struct.pack("<BBHiQQIIQ24x", 18, 0, 0, -100, 0, ctypes.addressof(path), 0, 0, 1)
head, tail, mask, entries, flags, dropped, array = struct.unpack("<7I", bytes(params)[40:68])
sq[array:array + 4] = struct.pack("<I", 0)
sq[tail:tail + 4] = struct.pack("<I", 1)
LIBC.syscall(426, ring, 1, 1, 1, None, 0)
cq = struct.unpack("<6I", bytes(params)[80:104])
result = struct.unpack("<i", sq[cq[5] + 8:cq[5] + 12])[0] if cq[5] + 16 <= 4096 else None
if result is not None and result >= 0:
    print("opened", os.read(result, 20))
else:
    print("result", result)
'
}
effect() { grep -q 'opened' "$state/answer"; }
