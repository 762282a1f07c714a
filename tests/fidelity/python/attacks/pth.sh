# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1546.018
about="a .pth file, for the next start of Python"
attack() {
	inject '
open("/srv/app/data/site.pth", "w").write("import os; os.system(1)")
'
}
effect() { [ -e /srv/app/data/site.pth ]; }
after() { rm -f /srv/app/data/site.pth; }
