# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1572
about="a tunnel to an internal service"
before() { nc -l 127.0.0.1 7777 >"$state/heard" 2>/dev/null & }
attack() { echo hello | timeout 10 ssh "${options[@]}" -i "$state/keys/good" -p 2222 -W 127.0.0.1:7777 joe@127.0.0.1; }
effect() { grep -q hello "$state/heard"; }
