# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1218
about="GTFOBins: gzip writes out any file"
attack() {
	inject '
packed = subprocess.run(["gzip", "-c", "/etc/passwd"], capture_output=True).stdout
import zlib
print(zlib.decompress(packed, 31).decode())
'
}
effect() { grep -q root: "$state/answer"; }
