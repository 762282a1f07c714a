# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1055
about="the same as its standard input"
undecided="standard descriptors are decided when they are opened, not when they are inherited"
attack() {
	inject '
with open("/srv/app/templates/note.html") as file:
    print("passed", subprocess.run(["sha256sum"], stdin=file, capture_output=True, text=True).stdout)
'
}
effect() { grep -q passed "$state/answer"; }
