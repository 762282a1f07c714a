# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1105
about="lo_export writes a program to disk"
attack() {
	sql "select lo_from_bytea(4242, 'code')"
	sql "select lo_export(4242, '/srv/pg/out/code')"
}
effect() { [ -e /srv/pg/out/code ]; }
after() { rm -f /srv/pg/out/*; }
