# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1040
about="a client with stolen credentials listens to all topics"
note="a subscription like any other; the broker's own access control is the place for that"
before() { rm -f "$state/answer"; }
attack() {
	with sub -t '#' -C 1 -W 20 >"$state/answer" &
	perhaps heard
}
heard() {
	with pub -t sensor/secret -m "$RANDOM"
	effect
}
effect() { [ -s "$state/answer" ]; }
