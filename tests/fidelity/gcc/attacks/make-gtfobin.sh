# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1127
about="GTFOBins: make writes with $(file)"
attack() {
	echo '$(file >/var/tmp/fidelity/marker/was-here,x)' >>$project/Makefile
	tell build
}
effect() { [ -e "$marker" ]; }
