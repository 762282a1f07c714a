# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1083
about="pg_ls_dir lists the host's folders"
attack() { sql "select pg_ls_dir('/etc')" >"$state/answer"; }
effect() { grep -q passwd "$state/answer"; }
