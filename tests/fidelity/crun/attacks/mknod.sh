# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1611
about="a device node of the host's disk"
attack() { inject '
busybox mknod /tmp/x c 1 3 && echo made
'; }
effect() { [ -e $bundle/root/tmp/x ] || grep -q made "$state/answer"; }
after() { rm -f $bundle/root/tmp/x; }
