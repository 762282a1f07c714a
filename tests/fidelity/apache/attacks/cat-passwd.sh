# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1087.001
about="a program that the script runs anyway reads another file"
attack() { inject 'cat /etc/passwd'; }
effect() { grep -q '^root:' "$state/answer"; }
