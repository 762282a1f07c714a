# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1055.008
about="attaches to its parent with ptrace"
attack() {
	inject 'LIBC.prctl(4, 1, 0, 0, 0)
child = os.fork()
if child == 0:
    import time
    time.sleep(20)
    os._exit(0)
LIBC.ptrace.argtypes = [ctypes.c_long] * 4
if LIBC.ptrace(16, child, 0, 0) == 0:
    os.waitpid(child, 0)
    print("attached")
    LIBC.ptrace(17, child, 0, 0)
os.kill(child, 9)
os.waitpid(child, 0)
'
}
effect() { grep -q attached "$state/answer"; }
