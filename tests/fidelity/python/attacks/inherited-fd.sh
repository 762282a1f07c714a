# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1055
about="a file it may read is handed to a program that may not, as a descriptor kept over exec"
attack() {
	inject '
with open("/srv/app/templates/note.html") as file:
    print("passed", subprocess.run(["sha256sum", "/dev/null"], pass_fds=(file.fileno(),), capture_output=True).stdout)
'
}
effect() { grep -q passed "$state/answer"; }
