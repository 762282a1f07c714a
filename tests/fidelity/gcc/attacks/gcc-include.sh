# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1005
about="a source includes a file, whose text is in the error"
attack() {
	echo '#include "/etc/shadow"' >>$project/src/list.c
	tell build
}
effect() { grep -q 'root' "$state/errors" && grep -q 'shadow' "$state/errors" && ! grep -q 'etc/shadow: Operation' "$state/errors"; }
