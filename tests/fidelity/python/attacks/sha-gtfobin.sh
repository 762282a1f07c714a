# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1083
about="sha256sum reports the content of a file"
attack() {
	inject '
print(subprocess.run(["sha256sum", "/etc/passwd"], capture_output=True, text=True).stdout)
'
}
effect() { grep -q passwd "$state/answer"; }
