# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1195.002
about="the package's postinst writes with the shell alone"
hostile() {
	echo 'echo >/var/tmp/fidelity/marker/was-here' >>$1/DEBIAN/postinst
}
effect() { [ -e "$marker" ]; }
