# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1005
about="vim reads a file of the system"
attack() { in_vim ':r /etc/fstab | w! notes/list'; }
before() { cp $home/notes/list $home/kept; echo LOOT >>/etc/fstab; }
effect() { grep -q LOOT $home/notes/list; }
after() { mv $home/kept $home/notes/list; sed -i /LOOT/d /etc/fstab; }
