# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1496
about="a worker computes for the attacker"
note="workers compute; cgroups limit how much"
attack() { inject 'return crypto.pbkdf2Sync("block", "nonce", 100000, 32, "sha256").toString("hex")'; }
effect() { grep -qE '^[0-9a-f]{64}$' "$state/answer"; }
