# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1087.001
about="VRFY: the server answers whether users exist"
note="a lookup that each mail needs as well"
attack() { printf 'HELO x\r\nVRFY ann\r\nQUIT\r\n' | timeout 20 nc -N 127.0.0.1 2525 >"$state/answer"; }
effect() { grep -q '^252' "$state/answer"; }
