# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1083
about="a login looks at another folder with a command that it runs anyway"
attack() { remote ls -l /etc >"$state/answer"; }
effect() { grep -q passwd "$state/answer"; }
