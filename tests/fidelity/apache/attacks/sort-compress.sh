# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1218
about="GTFOBins: sort --compress-program runs a program"
attack() { inject 'for ((i = 0; i < 3000; i++)); do echo $RANDOM$RANDOM; done | sort -S 1k --compress-program=/usr/bin/gzip >/dev/null && echo done'; }
effect() { grep -q done "$state/answer"; }
