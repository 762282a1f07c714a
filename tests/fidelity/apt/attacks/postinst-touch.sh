# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1195.002
about="the package's postinst runs a program"
hostile() {
	echo 'touch /var/tmp/fidelity/marker/was-here' >>$1/DEBIAN/postinst
}
effect() { [ -e "$marker" ]; }
