# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059.007
about="a worker starts node with a script of the attacker's"
attack() { inject 'return require("child_process").execFileSync(process.execPath, ["-e", "require(\"fs\").writeFileSync(\"/var/tmp/fidelity/marker/was-here\", \"x\")"])'; }
effect() { [ -e "$marker" ]; }
