# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1127
about="a recipe that runs a program of its own"
attack() { recipe 'touch /var/tmp/fidelity/marker/was-here'; }
effect() { [ -e "$marker" ]; }
