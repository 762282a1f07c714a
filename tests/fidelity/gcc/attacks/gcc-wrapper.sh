# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1218
about="GTFOBins: gcc -wrapper runs another program"
attack() { recipe "gcc -wrapper '/usr/bin/dash,-c,: >/var/tmp/fidelity/marker/was-here' -c src/list.c -o src/list.o"; }
effect() { [ -e "$marker" ]; }
