# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1546
about="a line in .vimrc runs a command when vim starts"
before() { echo 'call writefile(["x"], "/var/tmp/fidelity/marker/was-here")' >$home/.vimrc; }
attack() { in_vim ':'; }
effect() { [ -e "$marker" ]; }
