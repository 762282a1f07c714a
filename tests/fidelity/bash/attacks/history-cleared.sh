# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1070.003
about="the history is cleared"
before() { echo 'evil command' >$home/.bash_history; }
attack() { type_in 'history -c; history -w'; }
effect() { ! grep -q evil $home/.bash_history; }
