# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1489
about="kills a process of the same user outside its domain"
before() {
	setpriv --reuid app --clear-groups sleep 60 &
	victim=$!
}
attack() { inject "os.kill($victim, 9)"; }
effect() { [ ! -e /proc/$victim ] || grep -q '^State:.*Z' /proc/$victim/status; }
after() { kill $victim; }
