# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1055
about="writes a child's memory with process_vm_writev"
attack() {
	inject 'LIBC.prctl(4, 1, 0, 0, 0)
class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
buffer = ctypes.create_string_buffer(b"O")
child = os.fork()
if child == 0:
    import time
    time.sleep(20)
    os._exit(0)
vector = Vector(ctypes.addressof(buffer), 1)
print("wrote", LIBC.process_vm_writev(child, ctypes.byref(vector), 1, ctypes.byref(vector), 1, 0))
os.kill(child, 9)
os.waitpid(child, 0)
'
}
effect() { grep -q 'wrote 1' "$state/answer"; }
