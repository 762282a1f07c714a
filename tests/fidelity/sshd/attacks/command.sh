# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1021.004
about="a login runs a command of its own"
attack() { remote env >"$state/answer"; }
effect() { grep -q SSH_CONNECTION= "$state/answer"; }
