# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1574.007
about="LD_LIBRARY_PATH puts another C library under a known program"
before() { cp /lib/x86_64-linux-gnu/libc.so.6 $site/data/libc.so.6; }
attack() { inject 'LD_LIBRARY_PATH=/srv/book/data cat /srv/book/data/entries >/dev/null && echo loaded'; }
effect() { grep -q loaded "$state/answer"; }
after() { rm -f $site/data/libc.so.6; }
