# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1070.003
about="the history is cleared"
note="a shell writes its history at each end: what is in it is not what a map tells"
before() { echo 'evil command' >$home/.bash_history; }
attack() { type_in 'history -c'; keys 'exit\r'; nap 1; }
effect() { ! grep -q evil $home/.bash_history; }
