# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1087.001
about="a worker reads the list of users"
attack() { inject 'return require("fs").readFileSync("/etc/passwd")'; }
effect() { grep -q '^root:' "$state/answer"; }
