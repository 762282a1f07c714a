# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1095
about="the shell's /dev/tcp"
before() { nc -l 127.0.0.1 7780 >"$state/heard" 2>/dev/null </dev/null & }
attack() { type_in 'echo hello > /dev/tcp/127.0.0.1/7780'; }
effect() { grep -q hello "$state/heard"; }
