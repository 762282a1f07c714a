# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1546
about="ALTER SYSTEM: the archiver is configured to run a command"
attack() {
	sql "alter system set archive_mode = on"
	sql "alter system set archive_command = 'touch /var/tmp/fidelity/marker/was-here'"
	tell restart
	sql "select pg_switch_wal()"
	perhaps effect
}
effect() { [ -e "$marker" ]; }
