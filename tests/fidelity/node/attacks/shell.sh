# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059.004
about="child_process starts a shell"
attack() { inject 'return require("child_process").execSync("touch /var/tmp/fidelity/marker/was-here")'; }
effect() { [ -e "$marker" ]; }
