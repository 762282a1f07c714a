# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1036.005
about="a known program is copied under another name and run"
attack() {
	inject '
import shutil
shutil.copy("/usr/bin/sha256sum", "/srv/app/data/update")
print("ran", subprocess.run(["/srv/app/data/update"], input="", text=True, capture_output=True, check=True).stdout)
'
}
effect() { grep -q ran "$state/answer"; }
after() { rm -f /srv/app/data/update; }
