# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1020
about="COPY TO PROGRAM hands the table to another program"
attack() { sql "copy item to program '/usr/bin/tee /srv/pg/out/items'"; }
effect() { [ -e /srv/pg/out/items ]; }
after() { rm -f /srv/pg/out/*; }
