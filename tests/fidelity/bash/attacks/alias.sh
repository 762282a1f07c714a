# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1036
about="an alias takes the place of a command"
attack() {
	type_in 'alias ls="cat notes/plan"'
	type_in ls
}
note="only programs and files that the person uses"
effect() { grep -qa '^plan' "$state/out"; }
