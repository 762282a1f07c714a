# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1485
about="rm removes something else"
before() { touch /srv/installed/precious; }
attack() {
	echo 'objects += /srv/installed/precious' >>$project/Makefile
	tell clean
}
effect() { [ ! -e /srv/installed/precious ]; }
