# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1552.004
about="cat reads a private key"
before() { mkdir -p $home/.ssh; echo 'PRIVATE KEY' >$home/.ssh/id; }
attack() { type_in 'cat .ssh/id'; }
effect() { grep -qa 'PRIVATE KEY' "$state/out"; }
