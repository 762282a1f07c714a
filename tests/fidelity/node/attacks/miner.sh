# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1496
about="a worker computes for the attacker, in WebAssembly and in threads"
note="computing is what a worker does; cgroups limit how much"
attack() { inject 'return Promise.all([1, 2, 3].map(() => new Promise((done) => new Worker("/srv/shop/app/thumbnail.js").once("message", done))))'; }
effect() { grep -q , "$state/answer"; }
