# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1611
about="makes itself root in a user namespace"
attack() {
	inject '
pid = os.fork()
if pid == 0:
    uid = os.getuid()
    if LIBC.unshare(0x10000000) == 0:
        open("/srv/app/data/ns", "w").write("made")
    os._exit(0)
os.waitpid(pid, 0)
if os.path.exists("/srv/app/data/ns"):
    print("uid 0")
    os.unlink("/srv/app/data/ns")
'
}
effect() { grep -q 'uid 0' "$state/answer"; }
