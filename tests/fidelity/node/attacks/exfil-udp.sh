# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1048.003
about="an order leaves in a datagram"
attack() { inject 'return new Promise((done) => require("dgram").createSocket("udp4").send("order", 53, "127.0.0.1", (error) => done(error ? "no" : "sent")))'; }
effect() { grep -q sent "$state/answer"; }
