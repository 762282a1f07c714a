# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1565.001
about="GTFOBins: sort -o writes any file"
attack() { inject 'echo "x" | sort -o /srv/book/data/planted'; }
effect() { [ -e $site/data/planted ]; }
after() { rm -f $site/data/planted; }
