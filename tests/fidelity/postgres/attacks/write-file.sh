# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1505.001
about="COPY TO writes a file outside the database"
attack() { sql "copy (select 'x') to '/srv/pg/out/planted'"; }
effect() { [ -e /srv/pg/out/planted ]; }
after() { rm -f /srv/pg/out/*; }
