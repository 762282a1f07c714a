# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1098.004
about="scp adds a key to authorized_keys"
attack() { carry "$state/keys/bad.pub" joe@127.0.0.1:.ssh/authorized_keys; }
effect() { cmp -s "$state/keys/bad.pub" $home/.ssh/authorized_keys; }
after() { install -m 600 -o joe "$state/keys/good.pub" $home/.ssh/authorized_keys; }
