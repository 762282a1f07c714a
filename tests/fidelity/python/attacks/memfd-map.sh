# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1620
about="maps a memfd executable"
attack() {
	inject '
import mmap
fd = os.memfd_create("lib")
os.truncate(fd, 4096)
mmap.mmap(fd, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)
print("mapped")
'
}
effect() { grep -q mapped "$state/answer"; }
