# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059.004
about="a program of busybox' that the container never ran"
note="the shell is busybox, and runs its other programs itself: no file is opened and nothing is executed"
attack() { inject '
busybox id
'; }
effect() { grep -q uid= "$state/answer"; }
