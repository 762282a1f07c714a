# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1611
about="makes a user namespace and nothing else"
attack() {
	inject '
pid = os.fork()
if pid == 0:
    os._exit(LIBC.unshare(0x10000000) != 0)
print("status", os.waitpid(pid, 0)[1])
'
}
effect() { grep -q 'status 0' "$state/answer"; }
