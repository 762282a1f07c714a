# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1546.004
about="a line in .bashrc, without programs"
before() { echo ': > /var/tmp/fidelity/marker/was-here' >$home/.bashrc; }
attack() { perhaps effect; }
effect() { [ -e "$marker" ]; }
