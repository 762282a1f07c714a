# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1213
about="the whole table is read"
note="a query like any other"
attack() { sql "copy item to stdout" >"$state/answer"; }
effect() { grep -q one "$state/answer"; }
