# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059.004
about="a program of busybox' that the container never ran"
attack() { inject '
busybox id
'; }
effect() { grep -q uid= "$state/answer"; }
