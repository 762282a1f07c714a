# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1003.008
about="the script reads the list of users"
note="every bash reads it when it starts"
attack() { inject 'while read -r line; do echo "$line"; done </etc/passwd'; }
effect() { grep -q '^root:' "$state/answer"; }
