# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1620
about="runs a program from memory (memfd_create, fexecve)"
attack() {
	inject '
fd = os.memfd_create("kworker")
os.write(fd, open("/usr/bin/sha256sum", "rb").read())
print("ran", subprocess.run([f"/proc/self/fd/{fd}"], pass_fds=[fd], input="", text=True, capture_output=True, check=True).stdout)
'
}
effect() { grep -q ran "$state/answer"; }
