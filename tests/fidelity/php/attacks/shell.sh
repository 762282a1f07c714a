# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059.004
about="system() starts a shell"
attack() { inject 'system("touch /var/tmp/fidelity/marker/was-here");'; }
effect() { [ -e "$marker" ]; }
