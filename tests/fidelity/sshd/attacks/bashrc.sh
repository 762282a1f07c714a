# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1546.004
about="the login's .bashrc has one line more, without programs"
before() { cp $home/.bashrc $home/.kept; sed -i '1i echo > /var/tmp/fidelity/marker/was-here' $home/.bashrc; }
attack() { remote ls files; }
effect() { [ -e "$marker" ]; }
after() { mv $home/.kept $home/.bashrc; }
