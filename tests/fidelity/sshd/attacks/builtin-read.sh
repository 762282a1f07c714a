# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1087.001
about="the login's shell reads /etc/hosts.allow-like files without a program"
attack() { remote 'while read -r line; do echo "$line"; done </etc/fstab; echo "$(</etc/debian_version)"' >"$state/answer"; }
effect() { grep -q '^12' "$state/answer"; }
